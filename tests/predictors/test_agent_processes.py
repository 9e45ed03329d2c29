"""Tests real processes: what the agent starts ends with it, and the machine's lock is free once its holder ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from predictors.agent import children
from predictors.agent.machine_lock import MachineLock
from predictors.board.agent_source import AGENT
from predictors.board.local_device import local

ROOT = str(AGENT.parents[1])
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
# Acts like pip: starts a process that starts another; alone, both would run for ever
BUILD = """
import os, subprocess, sys, time
own = {own}
if len(sys.argv) > 1:
    child = subprocess.Popen([sys.executable, *sys.argv[:1], *sys.argv[2:]], start_new_session=own)
open(f"{folder}/" + str(os.getpid()), "w").close()
time.sleep(600)
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def until(condition: Callable[[], object], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[[], list[int]]]:
    """Returns a function that lists the processes which the build has started so far."""
    (tmp_path / "pids").mkdir()
    yield lambda: [int(path.name) for path in (tmp_path / "pids").iterdir()]
    for path in (tmp_path / "pids").iterdir():
        with contextlib.suppress(OSError):
            os.kill(int(path.name), signal.SIGKILL)


def build(folder: Path, own: bool) -> list[str]:
    program = folder / "build.py"
    program.write_text(BUILD.replace("{own}", str(own)).replace("{folder}", f"{folder}/pids"))
    return [sys.executable, str(program), "again", "again"]


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, "cut"])
def test_no_process_outlives_the_agent(
    tmp_path: Path, started: Callable[[], list[int]], how: signal.Signals | str, own: bool
) -> None:
    """Neither a child nor a grandchild does, in the agent's session or in its own."""
    program = (
        f"import sys; sys.path.insert(0, {ROOT!r}); from predictors.agent import children\n"
        f"from predictors.agent.requests import Link\nlink = Link(60)\n"
        f"children.run({str(AGENT)!r}, {build(tmp_path, own)!r}, link.alive)"
    )
    agent = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert until(lambda: len(started()) == 3)
    assert all(map(alive, started()))
    assert agent.stdin is not None
    if isinstance(how, signal.Signals):
        agent.send_signal(how)
    agent.stdin.close()
    agent.wait(10)
    assert until(lambda: not any(map(alive, started())))


def test_a_keeper_that_is_killed_takes_its_command_along(tmp_path: Path, started: Callable[[], list[int]]) -> None:
    reading, writing = os.pipe()
    command = [sys.executable, str(AGENT), "keep", str(reading), *build(tmp_path, False)[:2]]
    keeper = subprocess.Popen(command, pass_fds=[reading])
    assert until(lambda: len(started()) == 1)
    keeper.kill()
    keeper.wait()
    assert until(lambda: not any(map(alive, started())))
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize(
    ("command", "code", "output"),
    [
        (["sh", "-c", "echo out; echo err >&2"], 0, "out\nerr\n"),
        (["sh", "-c", "exit 3"], 3, ""),
        (["sh", "-c", "kill -9 $$"], -9, ""),
        (["sh", "-c", "kill -ILL $$"], -4, ""),
        (["no-such-program"], 1, "no-such-program: No such file or directory\n"),
        (["sh", "-c", "sleep 600 & echo done"], 0, "done\n"),
    ],
)
def test_a_kept_command_ends_as_it_would_alone(command: list[str], code: int, output: str) -> None:
    assert children.run(str(AGENT), command, lambda: None) == (code, output)


# The lock


def test_who_comes_second_waits_for_the_first_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This also holds when the first one is killed."""
    monkeypatch.setenv("LUTRA_LOCK", str(tmp_path / "lock"))
    said: list[str] = []
    with local(1) as first, local(1) as second:
        first.lock(said.append)
        first.lock(said.append)
        assert said == []
        busy = second.ask("lock")["busy"]
        assert busy["pid"] == first._process.pid
        assert second.ask("state")["boot_id"]
        first._process.kill()
        first._process.wait()
        second.lock(said.append)
        assert said == []


@pytest.mark.parametrize("content", [b"", b"garbage", b"[]", b'{"pid": "x"}', b'{"pid": 1, "user": [], "since": "x"}'])
def test_a_holder_that_the_file_does_not_tell_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setenv("LUTRA_LOCK", str(tmp_path / "lock"))
    first, second = MachineLock(), MachineLock()
    assert first.take() == {}
    (tmp_path / "lock").write_bytes(content)
    assert second.take() == {"busy": {"pid": None, "user": None, "seconds": None}}
    assert first.file is not None
    os.close(first.file)
    assert second.take() == {}
    assert second.file is not None
    os.close(second.file)


def test_without_locks_the_measuring_goes_on_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for path in (tmp_path / "no" / "folder", tmp_path, tmp_path / "link"):
        monkeypatch.setenv("LUTRA_LOCK", str(path))
        assert "unlocked" in MachineLock().take()
    said: list[str] = []
    with local(1) as board:
        board.lock(said.append)
    assert "this machine cannot be locked" in said[0]
    assert not (tmp_path / "file").exists()


def test_another_users_lock_is_the_same_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every user can open its file; where it cannot be written, reading is enough."""
    monkeypatch.setenv("LUTRA_LOCK", str(tmp_path / "lock"))
    first, second = MachineLock(), MachineLock()
    assert first.take() == {}
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o666
    (tmp_path / "lock").chmod(0o444)
    assert "busy" in second.take()
    assert first.file is not None
    os.close(first.file)
