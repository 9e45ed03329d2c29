"""Tests files: writers killed at any moment, steps that race, torn journals, untrusted weights."""

from __future__ import annotations

import csv
import errno
import fcntl
import hashlib
import json
import math
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig

from experiments.config import command
from experiments.store import artefacts, journal, locks, unfinished, versions
from experiments.store.disk import FORMULA
from experiments.store.weights import load_network, load_supernet, save_network, save_supernet
from experiments.sweep import jobs
from search_spaces import documents
from search_spaces.errors import LutraError
from search_spaces.networks.network import Network
from search_spaces.networks.supernet import Supernet
from search_spaces.spaces.tiny import tiny
from tests.commands import ROOT, git

SPACE = tiny(1, 16, 10)
in_a_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    """Starts a Python process that runs `program`."""
    words = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(program: str, *arguments: object) -> tuple[int, str, str]:
    process = start(program, *arguments)
    out, err = process.communicate()
    return process.returncode, out, err


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob(".*") if path.name != ".lock"]


def test_a_step_that_was_finished_under_another_name_is_not_done_again(tmp_path: Path) -> None:
    """The name says what it was first made for."""
    done: list[Path] = []

    def made(label: str, seed: int) -> Path:
        return artefacts.step(tmp_path, "retrain", label, {"seed": seed}, {}, done.append)

    first = made("winner-tiny", 0)
    assert first.name.startswith("winner-tiny-")
    assert made("reference-tiny", 0) == made("tiny", 0) == made("winner-tiny", 0) == first
    assert made("reference-tiny", 1).name.startswith("reference-tiny-")
    assert len(done) == 2


# Atomic writes

WRITER = """
import hashlib, itertools, sys
from pathlib import Path
from experiments.store import artefacts
for number in itertools.count(int(sys.argv[2])):
    body = f"{number} " * 20000
    artefacts.write(Path(sys.argv[1]), f"{number}\\n{hashlib.sha256(body.encode()).hexdigest()}\\n{body}")
    print(number, flush=True)
"""


def version_of(path: Path) -> int:
    """Returns the version number in a file, which must be complete."""
    number, checksum, body = path.read_text().split("\n")
    assert checksum == hashlib.sha256(body.encode()).hexdigest()
    return int(number)


def test_a_killed_writer_leaves_a_whole_file_and_forgets_nothing_it_said(tmp_path: Path) -> None:
    rng, path, told = Random(0), tmp_path / "step" / "file", -1
    for _ in range(10):
        writer = start(WRITER, path, told + 1)
        assert writer.stdout
        told = int(writer.stdout.readline())
        for _ in range(rng.randrange(40)):
            assert version_of(path) >= told
        writer.kill()
        told = max([told, *map(int, writer.stdout.read().split())])
        writer.communicate()
        assert version_of(path) >= told
        told = version_of(path)


DYING = """
import os, signal, sys
from pathlib import Path
from experiments.store import artefacts
kill = lambda event, details: event == "os.rename" and os.kill(os.getpid(), signal.SIGKILL)
artefacts.step(Path(sys.argv[1]), "made", "x", {}, {}, lambda folder: (
    artefacts.write(folder / "first", "1"), sys.addaudithook(kill), artefacts.write(folder / "second", "2")))
"""


def test_what_a_killed_writer_left_is_removed_when_its_step_is_done(tmp_path: Path) -> None:
    assert run(DYING, tmp_path)[0] == -9
    (folder,) = (tmp_path / "made").iterdir()
    assert sorted(path.name.split(".")[1] for path in leftovers(folder)) == ["second", "seconds"]
    assert not (folder / "manifest.json").exists()

    def work(folder: Path) -> None:
        artefacts.write(folder / "first", "1")
        artefacts.write(folder / "second", "2")

    assert artefacts.step(tmp_path, "made", "x", {}, {}, work) == folder
    assert not leftovers(tmp_path)
    assert set(artefacts.manifest(folder)["outputs"]) == {"first", "second"}


LIMITED = """
import resource, sys
from pathlib import Path
from experiments.store import artefacts
from experiments.store import journal
from search_spaces.errors import LutraError
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
folder = Path(sys.argv[1])
for attempt in (
    lambda: artefacts.write(folder / "file", bytes(1_000_000)),
    lambda: artefacts.write_csv(folder / "file", [{"column": "x" * 200_000}]),
    lambda: journal.append(folder / "log", {"new": "y" * 200_000}),
):
    try:
        attempt()
    except LutraError as error:
        print(error)
"""


def test_a_file_that_does_not_fit_leaves_the_one_before(tmp_path: Path) -> None:
    artefacts.write(tmp_path / "file", "before")
    journal.append(tmp_path / "log", {"old": 1})
    code, out, err = run(LIMITED, tmp_path)
    assert (code, err) == (0, "")
    assert [line.split(";")[0] for line in out.splitlines()] == [
        f"disk full: 1.0 MB needed at {tmp_path / 'file'}",
        f"disk full: 0.2 MB needed at {tmp_path / 'file'}",
        f"disk full: 0.2 MB needed at {tmp_path / 'log'}",
    ]
    assert (tmp_path / "file").read_text() == "before"
    assert not leftovers(tmp_path)
    assert journal.read(tmp_path / "log") == [{"old": 1}]


# Steps


def step(runs: Path, work: Callable[[Path], None], config: dict[str, Any] | None = None) -> Path:
    return artefacts.step(runs, "made", "label", config or {"a": 1}, {"input": "0" * 64}, work)


def write_once(folder: Path) -> None:
    artefacts.write(folder / "out" / "file", "content")


def never(folder: Path) -> None:
    raise AssertionError("a finished step was done again")


def failing(folder: Path) -> None:
    artefacts.write(folder / "half", "half")
    raise LutraError("no")


def test_files_that_a_kill_left_in_a_finished_step_are_removed(tmp_path: Path) -> None:
    """Killed between its manifest and their removal."""
    folder = step(tmp_path, write_once)
    left = unfinished.files(folder)
    for path in left:
        path.write_bytes(b"left")
    assert step(tmp_path, never) == folder
    assert not [path for path in left if path.exists()]


def test_a_finished_step_is_not_done_again(tmp_path: Path) -> None:
    folder = step(tmp_path, write_once)
    record = (folder / "manifest.json").read_bytes()
    assert step(tmp_path, never) == folder
    assert (folder / "manifest.json").read_bytes() == record
    assert artefacts.manifest(folder)["outputs"] == {"out/file": hashlib.sha256(b"content").hexdigest()}


def test_another_configuration_is_another_folder(tmp_path: Path) -> None:
    assert step(tmp_path, write_once, {"a": 1, "b": [1.5, None]}) == step(tmp_path, never, {"b": [1.5, None], "a": 1})
    folders = {step(tmp_path, write_once, config) for config in ({"a": 1}, {"a": 2}, {"a": 1.5}, {"a": "1"}, {"b": 1})}
    assert len(folders) == 5
    # a folder's name must not depend on the version of Python
    assert artefacts.digest({"b": [1.5, None, True], "a": "é"})[:16] == "76c938b46f9e6b84"


def test_a_step_that_fails_is_done_anew(tmp_path: Path) -> None:
    with pytest.raises(LutraError):
        step(tmp_path, failing)
    folder = step(tmp_path, write_once)
    assert (folder / "out" / "file").read_text() == "content"
    assert step(tmp_path, never) == folder


def test_the_seconds_of_a_step_are_those_of_all_commands_that_worked_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0]
    monkeypatch.setattr(unfinished, "monotonic", lambda: clock[0])

    def worked(seconds: int, error: str = "") -> Callable[[Path], None]:
        def work(folder: Path) -> None:
            artefacts.reopen(folder)
            clock[0] += seconds
            write_once(folder)
            if error:
                raise LutraError(error)

        return work

    def command(work: Callable[[Path], None]) -> Path:
        return artefacts.step(tmp_path, "made", "x", {}, {}, work, again=lambda folder: True)

    for seconds, sum_so_far in ((7, 107), (20, 227)):
        with pytest.raises(LutraError):
            command(worked(100, error="no"))
        assert artefacts.manifest(command(worked(seconds)))["seconds"] == sum_so_far
    assert not leftovers(tmp_path)


KILLED = """
import os, signal, sys
from pathlib import Path
from experiments.store import artefacts, unfinished
unfinished.INTERVAL = 0.001
def work(folder):
    while float((folder / ".seconds").read_text()) < 0.1:
        pass
    os.kill(os.getpid(), signal.SIGKILL)
artefacts.step(Path(sys.argv[1]), "made", "x", {}, {}, work)
"""


def test_a_killed_command_has_saved_how_long_it_worked(tmp_path: Path) -> None:
    assert run(KILLED, tmp_path)[0] == -9
    saved = float(next(tmp_path.glob("made/*/.seconds")).read_text())
    folder = artefacts.step(tmp_path, "made", "x", {}, {}, write_once)
    assert artefacts.manifest(folder)["seconds"] > saved >= 0.1


@pytest.mark.parametrize("content", ["", "many", "nan", "-1", "inf", "\udcff"])
def test_seconds_that_are_damaged_stop_no_work(content: str, tmp_path: Path) -> None:
    with pytest.raises(LutraError):
        step(tmp_path, failing)
    next(tmp_path.rglob(".seconds")).write_bytes(content.encode(errors="surrogateescape"))
    assert 0 <= artefacts.manifest(step(tmp_path, write_once))["seconds"] < math.inf


def test_a_changed_or_lost_file_is_told_before_use(tmp_path: Path) -> None:
    folder = step(tmp_path, write_once)
    path = folder / "out" / "file"
    path.write_text("cOntent")
    with pytest.raises(LutraError, match=f"{path} was changed since it was made; delete {folder} and run the same"):
        step(tmp_path, never)
    path.unlink()
    with pytest.raises(LutraError, match=f"{path} is missing since it was made; delete {folder} and run the same"):
        step(tmp_path, never)
    (folder / "manifest.json").write_text((folder / "manifest.json").read_text()[:-20])
    with pytest.raises(LutraError, match=r"manifest.json is not a valid manifest: .*; delete"):
        step(tmp_path, never)


RACING = """
import sys, time
from pathlib import Path
from experiments.store import artefacts
runs, log = map(Path, sys.argv[1:])
def work(folder):
    with open(log, "a") as file:
        file.write("begun ")
    time.sleep(0.3)
    artefacts.write(folder / "file", "content")
print("ready", flush=True)
sys.stdin.readline()
print(artefacts.step(runs, "made", "label", {}, {}, work))
"""


def test_two_processes_that_want_a_step_do_it_once(tmp_path: Path) -> None:
    words = [sys.executable, "-c", RACING, str(tmp_path / "runs"), str(tmp_path / "log")]
    pipe = subprocess.PIPE
    racers = [subprocess.Popen(words, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) for _ in range(3)]
    for racer in racers:
        assert racer.stdout
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("go\n")
        racer.stdin.flush()
    folders = {racer.communicate()[0] for racer in racers}
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert len(folders) == 1
    assert (tmp_path / "log").read_text() == "begun "


# Manifests


def forged(folder: Path, **changes: Any) -> None:
    """Writes a changed manifest with a valid seal."""
    record = documents.read_sealed(folder / "manifest.json")
    (folder / "manifest.json").write_text(documents.sealed({**record, **changes}))


def test_any_changed_byte_of_a_manifest_is_refused(tmp_path: Path) -> None:
    folder = step(tmp_path, write_once)
    path = folder / "manifest.json"
    whole = path.read_bytes()
    for position in range(0, len(whole), 13):
        for changed in (whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :], whole[:position]):
            path.write_bytes(changed)
            with pytest.raises(LutraError, match=f"{path} .*; delete {folder} and run the same") as caught:
                step(tmp_path, never)
            assert "\n" not in str(caught.value)
    for changed in (whole.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + whole, whole + b" "):
        path.write_bytes(changed)
        with pytest.raises(LutraError, match="manifest"):
            step(tmp_path, never)
    path.write_bytes(whole)
    assert step(tmp_path, never) == folder


@pytest.mark.parametrize("key", ["config", "inputs", "step"])
def test_a_folder_of_other_settings_is_refused_whatever_its_name_says(key: str, tmp_path: Path) -> None:
    """Two settings can share the eight digits of a hash that a folder's name has."""
    folder = step(tmp_path, write_once)
    other = {"config": {"a": 2}, "inputs": {"input": "1" * 64}, "step": "other"}
    forged(folder, **{key: other[key]})
    with pytest.raises(LutraError, match=f"{folder} was made with different settings .*{key}"):
        step(tmp_path, never)


@pytest.mark.parametrize(
    "changes",
    [
        {"outputs": [1]},
        {"outputs": {"../../x": "0"}},
        {"outputs": {"/etc/passwd": "0"}},
        {"outputs": {"a": 1}},
        {"config": []},
        {"inputs": {"a": None}},
        {"seconds": -1.0},
        {"seconds": "1"},
        {"versions": None},
        {"code": 5},
    ],
)
def test_a_manifest_of_another_shape_is_refused_though_it_is_sealed(changes: dict[str, Any], tmp_path: Path) -> None:
    folder = step(tmp_path, write_once)
    forged(folder, **changes)
    with pytest.raises(LutraError, match=f"is not a valid manifest: see its {next(iter(changes))}"):
        step(tmp_path, never)


def test_stray_files_do_not_condemn_a_step(tmp_path: Path) -> None:
    def work(folder: Path) -> None:
        (folder / "Thumbs.db").write_text("by a file manager")
        write_once(folder)
        (folder / "notes.txt").write_text("by its user")

    folder = step(tmp_path, work)
    (folder / "notes.txt").write_text("changed")
    (folder / "Thumbs.db").unlink()
    (folder / "out" / ".DS_Store").write_text("later")
    assert step(tmp_path, never) == folder
    assert set(artefacts.manifest(folder)["outputs"]) == {"out/file"}


Said = pytest.CaptureFixture[str]


@pytest.fixture
def other_versions(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Changes the versions that this process reports."""

    def change(name: str, **changes: str) -> None:
        found = {**getattr(versions, name)(), **changes}
        monkeypatch.setattr(versions, name, lambda: found)
        artefacts._reported.clear()

    return change


@pytest.mark.parametrize("library", versions.LIBRARIES)
def test_a_step_of_another_library_is_used_with_a_line(
    library: str, tmp_path: Path, other_versions: Callable[..., None], capsys: Said
) -> None:
    folder = step(tmp_path, write_once)
    assert step(tmp_path, never) == folder
    assert capsys.readouterr().err == ""
    other_versions("libraries", **{library: "99.0"})
    assert step(tmp_path, never) == step(tmp_path, never) == folder
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{folder} was made with {library} ")
    assert "(here 99.0)" in line
    assert "to make it again, delete it" in line


@pytest.mark.parametrize("package", versions.PACKAGES)
def test_a_step_of_other_code_is_used_with_a_line(
    package: str, tmp_path: Path, other_versions: Callable[..., None], capsys: Said
) -> None:
    folder = step(tmp_path, write_once)
    other_versions("code", **{package: "0" * 64})
    assert step(tmp_path, never) == folder
    (line,) = capsys.readouterr().err.splitlines()
    assert f"other code in {package}/" in line


def test_a_raised_version_of_a_step_makes_it_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = step(tmp_path, write_once)
    monkeypatch.setitem(versions.STEPS, "made", (2, versions.PACKAGES))
    again = step(tmp_path, write_once)
    assert again != folder
    assert artefacts.manifest(again)["config"]["step_version"] == 2


def test_every_package_of_sources_is_hashed_by_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in versions.PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "runs"))
    monkeypatch.setattr(versions, "ROOT", tmp_path)
    known = versions.code.__wrapped__()
    assert known == versions.code()
    path = tmp_path / "strategies" / "algorithms" / "random.py"
    path.write_text(path.read_text() + "\n")
    found = versions.code.__wrapped__()
    assert {package for package in known if found[package] != known[package]} == {"strategies"}


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_the_commit_is_that_of_the_code_and_of_no_repository_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "lutra"
    (own / "experiments" / "store").mkdir(parents=True)
    monkeypatch.setattr(versions, "ROOT", own)
    monkeypatch.setattr(versions, "__file__", str(own / "experiments" / "store" / "versions.py"))
    (own / "experiments" / "store" / "versions.py").write_text("")
    assert versions.commit.__wrapped__() is None
    (tmp_path / "notes").write_text("mine")
    for words in (["init", "-q"], ["add", "notes"], ["commit", "-qm", "notes"]):
        git(tmp_path, *words)
    assert versions.commit.__wrapped__() is None
    git(own, "init", "-q")
    git(own, "commit", "-qm", "nothing", "--allow-empty")
    assert versions.commit.__wrapped__() is None  # the repository around it does not contain the code
    git(own, "add", "-A")
    git(own, "commit", "-qm", "all")
    head = git(own, "rev-parse", "--short=12", "HEAD").strip()
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    assert versions.commit.__wrapped__() == head
    (own / "experiments" / "store" / "versions.py").write_text("changed")
    assert versions.commit.__wrapped__() == f"{head}+"


def test_disagreeing_versions_of_one_result_are_named() -> None:
    last = {"step": "benchmark", "versions": dict.fromkeys(versions.LIBRARIES, "1"), "git_commit": "a"}
    older = {**last, "step": "train", "versions": {**last["versions"], "torch": "0"}}
    committed = {**last, "step": "search", "git_commit": "b"}
    assert versions.disagreements([last, last], last) == ""
    assert versions.disagreements([last, older, committed, older], last) == "train: torch 0; search: commit b"


# Disks and other processes


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_finished_step_is_used_where_nothing_can_be_written(number: int, tmp_path: Path) -> None:
    code, out, err = run(READING, tmp_path / "runs", number)
    assert (code, err) == (0, "")
    folder, line = out.splitlines()
    assert folder == str(next((tmp_path / "runs" / "made").iterdir()))
    assert line.startswith("cannot write ")
    assert line.endswith("; choose another folder with runs=FOLDER")


READING = """
import os, sys
from pathlib import Path
from experiments.store import artefacts
from search_spaces.errors import LutraError
runs, number = Path(sys.argv[1]), int(sys.argv[2])
work = lambda folder: artefacts.write(folder / "file", "content")
artefacts.step(runs, "made", "label", {}, {}, work)
def refuse(event, details):
    writes = event == "open" and isinstance(details[2], int) and details[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if (writes or event in ("os.mkdir", "os.rename", "os.remove")) and str(details[0]).startswith(str(runs)):
        raise OSError(number, os.strerror(number), details[0])
sys.addaudithook(refuse)
print(artefacts.step(runs, "made", "label", {}, {}, work))
try:
    artefacts.step(runs, "made", "label", {"another": 1}, {}, work)
except LutraError as error:
    print(error)
"""


def test_what_cannot_be_read_is_not_called_unwritable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = step(tmp_path, write_once)

    def forbidden(path: Any, *arguments: Any, **more: Any) -> Any:
        if str(path) == str(folder / "out" / "file"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *arguments, **more)

    opened = open
    monkeypatch.setattr("builtins.open", forbidden)
    with pytest.raises(LutraError, match=f"cannot read {folder / 'out' / 'file'}: Permission denied"):
        step(tmp_path, never)


@pytest.mark.parametrize("kind", [PermissionError, FileNotFoundError, IsADirectoryError, OSError])
def test_a_path_that_the_system_refuses_is_one_line(kind: type[OSError], monkeypatch: pytest.MonkeyPatch) -> None:
    def use(config: Any) -> None:
        raise kind(errno.EIO, "It is refused", "/given/by/a/user")

    monkeypatch.setattr(command, "checked", lambda settings: None)
    monkeypatch.setattr(command, "COUNTED", lambda config: config)
    with pytest.raises(LutraError, match=r"^cannot use /given/by/a/user: It is refused$"):
        command._perform(use, DictConfig({}))


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_without_locks_the_work_is_done_with_one_line(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    def flock(file: Any, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    step(tmp_path, write_once)
    step(tmp_path, write_once, {"a": 2})
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{tmp_path} has no file locks ({os.strerror(number)})")


def test_locks_that_keep_nobody_out_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda file, operation: None)
    monkeypatch.setattr(locks, "_tested", set())
    step(tmp_path, write_once)
    assert f"{tmp_path} has no file locks (one was granted twice)" in capsys.readouterr().err


def test_locks_are_asked_of_files_that_are_open_for_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Network file systems grant an exclusive lock only to files that are open for writing."""
    flock = fcntl.flock

    def strict(file: Any, operation: int) -> None:
        mode = fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE
        if operation & fcntl.LOCK_EX and mode == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", strict)
    monkeypatch.setattr(locks, "_report", lambda folder, reason: pytest.fail(reason))
    monkeypatch.setattr(locks, "_tested", set())
    folder = step(tmp_path, write_once)
    assert not jobs.held(folder / ".lock")
    with open(folder / ".lock", "a+") as lock:
        assert jobs.claim(lock)
        assert jobs.held(folder / ".lock")


def test_who_waits_for_a_step_names_whom_and_goes_on(tmp_path: Path) -> None:
    words = [sys.executable, "-c", RACING, str(tmp_path / "runs"), str(tmp_path / "log")]
    pipe = subprocess.PIPE
    racers = [subprocess.Popen(words, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(2)]
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = "".join(racer.communicate()[1] for racer in racers)
    folder = next((tmp_path / "runs" / "made").iterdir())
    assert said in [f"waiting for process {racer.pid} on {platform.node()}: {folder}\n" for racer in racers]


def test_a_file_system_that_cannot_sync_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", fsync)
    artefacts.write(tmp_path / "file", "content")
    journal.append(tmp_path / "log", {"a": 1})
    assert (tmp_path / "file").read_text() == "content"
    assert journal.read(tmp_path / "log") == [{"a": 1}]


# The journal

RECORDS = [
    {"arch": [0, 3, 1], "accuracy": 0.1 + 0.2},
    {"arch": [], "note": "é\n\u2028"},
    {"arch": [2], "accuracy": 1.0},
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    for record in RECORDS:
        journal.append(tmp_path / "log", record)
    return tmp_path / "log"


def test_a_journal_remembers_what_was_appended(log: Path, tmp_path: Path) -> None:
    assert journal.read(log) == RECORDS
    assert journal.read(tmp_path / "nothing") == []


def test_a_journal_torn_anywhere_in_its_last_record_goes_on_before_it(log: Path) -> None:
    whole = log.read_bytes()
    last = whole.index(b"\n", whole.index(b"\n") + 1) + 1
    for cut in range(last, len(whole)):
        log.write_bytes(whole[:cut])
        assert journal.read(log) == RECORDS[:-1]
        assert log.read_bytes() == whole[:last]
        journal.append(log, RECORDS[-1])
        assert log.read_bytes() == whole
        assert journal.read(log) == RECORDS


def test_zeros_at_the_end_of_a_journal_are_a_torn_record(log: Path) -> None:
    """A file system may leave zeros after a power cut."""
    whole = log.read_bytes()
    log.write_bytes(whole + bytes(4096))
    assert journal.read(log) == RECORDS
    assert log.read_bytes() == whole


@in_a_folder
@given(bit=st.integers(0, 10**6))
def test_a_flipped_bit_is_never_another_record(bit: int, tmp_path: Path) -> None:
    log = tmp_path / "flipped"
    log.unlink(missing_ok=True)
    for record in RECORDS:
        journal.append(log, record)
    content = bytearray(log.read_bytes())
    content[bit // 8 % len(content)] ^= 1 << bit % 8
    log.write_bytes(content)
    try:
        records = journal.read(log)
    except LutraError:
        assert log.read_bytes() == content
    else:
        assert records == RECORDS[: len(records)]
        assert len(records) < len(RECORDS)


def test_a_line_in_the_middle_that_is_damaged_is_named(log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"note", b"nOte")
    log.write_bytes(b"".join(lines))
    with pytest.raises(LutraError, match="line 2 is damaged; delete that line and run the same command again"):
        journal.read(log)


# CSV files

CELLS = st.one_of(
    st.floats(allow_nan=False),
    st.integers(),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r")).filter(
        lambda text: not text.lstrip().startswith(FORMULA)  # a formula gets a quote (another test)
    ),
)


@in_a_folder
@given(rows=st.lists(st.fixed_dictionaries({"one": CELLS, "two, three": CELLS}), min_size=1, max_size=5))
def test_a_csv_file_says_what_was_written(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    artefacts.write_csv(tmp_path / "file.csv", rows)
    with open(tmp_path / "file.csv", newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert found == [{key: str(value) for key, value in row.items()} for row in rows]
    assert [type(row["one"])(text["one"]) for row, text in zip(rows, found)] == [row["one"] for row in rows]


# Weights


@pytest.fixture(scope="module")
def supernet() -> Supernet:
    torch.manual_seed(0)
    return Supernet(SPACE)


@pytest.fixture(scope="module")
def network(supernet: Supernet) -> Network:
    return supernet.extract(SPACE.reference).eval()


def test_weights_survive_their_files_bit_for_bit(supernet: Supernet, network: Network, tmp_path: Path) -> None:
    save_network(tmp_path / "network", network)
    save_supernet(tmp_path / "supernet", supernet)
    loaded = load_network(tmp_path / "network")
    assert loaded.specs == network.specs
    assert not loaded.training
    for ours, theirs in ((network, loaded), (supernet, load_supernet(tmp_path / "supernet", SPACE))):
        state, again = ours.state_dict(), theirs.state_dict()
        assert list(state) == list(again)
        assert all(torch.equal(state[name], again[name]) for name in state)
    images = torch.randn(2, 1, 16, 16)
    assert torch.equal(loaded(images), network(images))
    save_network(tmp_path / "again", loaded)
    assert (tmp_path / "again").read_bytes() == (tmp_path / "network").read_bytes()


def refuse(load: Callable[[], object], path: Path) -> None:
    with pytest.raises(LutraError, match=str(path)) as caught:
        load()
    assert "\n" not in str(caught.value)


def test_what_is_no_network_of_ours_is_refused(supernet: Supernet, network: Network, tmp_path: Path) -> None:
    path = tmp_path / "network"
    save_network(path, network)
    whole = path.read_bytes()
    other = json.dumps([{"type": "Skip", "channels": 1, "resolution": 1}]).encode()
    wrong = [whole[:cut] for cut in range(0, len(whole), len(whole) // 25)]
    wrong += [b"PK\x03\x04" + whole, whole.replace(b"MBConv", b"MBconv", 1), other, whole + b"\0"]
    for content in wrong:
        path.write_bytes(content)
        refuse(lambda: load_network(path), path)
    save_supernet(path, supernet)
    refuse(lambda: load_network(path), path)
    refuse(lambda: load_network(tmp_path / "nowhere"), tmp_path / "nowhere")


def test_a_supernet_of_another_space_is_refused(supernet: Supernet, network: Network, tmp_path: Path) -> None:
    path = tmp_path / "supernet"
    save_supernet(path, supernet)
    refuse(lambda: load_supernet(path, tiny(3, 16, 10)), path)
    refuse(lambda: load_supernet(path, tiny(1, 16, 9)), path)
    save_network(path, network)
    refuse(lambda: load_supernet(path, SPACE), path)
    refuse(lambda: load_supernet(tmp_path / "nowhere", SPACE), tmp_path / "nowhere")
