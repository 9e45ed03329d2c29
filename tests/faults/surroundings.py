"""Bad surroundings for commands: folders, environments, disks, quotas and rights."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

NOBODY = 65534


class Surroundings(NamedTuple):
    """The path of the runs, and how the command is started."""

    runs: Path
    prefix: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    unset: tuple[str, ...] = ()
    before: str = ""  # code that the command's process runs first; it goes with none of the above


Setting = Callable[[Path], Iterator[Surroundings]]


def ordinary(folder: Path) -> Iterator[Surroundings]:
    yield Surroundings(folder / "runs")


def letters_and_spaces(folder: Path) -> Iterator[Surroundings]:
    yield Surroundings(folder / "ảnh của tôi (1), a=b #2" / "runs")


def no_home(folder: Path) -> Iterator[Surroundings]:
    yield Surroundings(folder / "runs", unset=("HOME", "USER", "LOGNAME", "XDG_CACHE_HOME"))


def plain_locale(folder: Path) -> Iterator[Surroundings]:
    yield Surroundings(folder / "runs", environment={"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"})


def one_cpu(folder: Path) -> Iterator[Surroundings]:
    if not hasattr(os, "sched_getaffinity") or not shutil.which("taskset"):
        pytest.skip("there is no taskset")
    first = min(os.sched_getaffinity(0))
    yield Surroundings(folder / "runs", prefix=("taskset", "-c", str(first)))


WITHOUT = """
import errno, fcntl, os
def refused(call, number):
    def refusing(file, *more):
        descriptor = file if isinstance(file, int) else file.fileno()
        if os.readlink(f"/proc/self/fd/{descriptor}").startswith(RUNS):
            raise OSError(number, os.strerror(number))
        return call(file, *more)
    return refusing
"""


def patched(folder: Path, code: str) -> Surroundings:
    """A system call answers with an error for files below the runs folder."""
    return Surroundings(folder / "runs", before=f"RUNS = {str(folder / 'runs')!r}\n{WITHOUT}{code}")


def no_locks(folder: Path) -> Iterator[Surroundings]:
    yield patched(folder, "fcntl.flock = refused(fcntl.flock, errno.ENOLCK)")


def no_fsync(folder: Path) -> Iterator[Surroundings]:
    yield patched(folder, "os.fsync = refused(os.fsync, errno.EINVAL)")


def disk_quota(folder: Path) -> Iterator[Surroundings]:
    """Makes a file system that reports its quota when a file is flushed, as NFS does."""
    yield patched(folder, "os.fsync = refused(os.fsync, errno.EDQUOT)")


def cpu_quota(folder: Path) -> Iterator[Surroundings]:
    """Limits the process to half a core, as a container might."""
    first = Path("/sys/fs/cgroup/cpu")
    group = (first if first.is_dir() else first.parent) / f"lutra-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        pytest.skip("only root may make a control group")
    try:
        if first.is_dir():
            (group / "cpu.cfs_quota_us").write_text("50000")
        else:
            (group / "cpu.max").write_text("50000 100000")
        yield Surroundings(folder / "runs", prefix=("sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"))
    except FileNotFoundError:
        pytest.skip("no control group for CPU time here")
    finally:
        group.rmdir()


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    disk = folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("only root may mount a disk")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def full_disk(folder: Path) -> Iterator[Surroundings]:
    with mounted(folder, "size=64k") as disk:
        yield Surroundings(disk / "runs")


def read_only_disk(folder: Path) -> Iterator[Surroundings]:
    with mounted(folder, "size=8m") as disk:
        (disk / "runs").mkdir()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        yield Surroundings(disk / "runs")


def another_user(folder: Path) -> Iterator[Surroundings]:
    """Gives the runs folder to another user; root without the right to write everywhere stands for an ordinary user."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("only root can give a folder to somebody else")
    without_rights = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner,-chown")
    yield Surroundings(folder / "runs", prefix=without_rights)


def given_away(runs: Path) -> None:
    """Gives the folder and all its content to another user."""
    for path in (runs, *runs.rglob("*")):
        os.chown(path, NOBODY, NOBODY)


ALL = (
    ordinary,
    letters_and_spaces,
    no_home,
    plain_locale,
    one_cpu,
    cpu_quota,
    no_locks,
    no_fsync,
    disk_quota,
    full_disk,
    read_only_disk,
    another_user,
)
REFUSING = (disk_quota, full_disk, read_only_disk, another_user)
FEW = (letters_and_spaces, no_locks, full_disk)  # in `make test`
