"""Tests the locks of steps: processes that want the same step do it once, with or without working locks."""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from experiments.store import locks
from experiments.sweep import jobs
from tests.commands import ROOT
from tests.experiments.made_up_steps import step, write_once

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


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_without_locks_the_work_is_done_with_one_line(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def flock(file: Any, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    step(tmp_path, write_once)
    step(tmp_path, write_once, {"a": 2})
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{tmp_path} has no file locks ({os.strerror(number)})")


def test_locks_that_keep_nobody_out_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
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


def test_who_waits_for_a_step_names_whom_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(locks, "SIGNED_WITHIN", 60.0)
    lock = tmp_path / "step" / ".lock"
    lock.parent.mkdir()
    with open(lock, "a+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = threading.Thread(target=_pass, args=[lock])
        waiting.start()
        time.sleep(0.2)  # a holder that has locked the file and has not signed it yet
        locks.sign(held)
        said, end = "", time.monotonic() + 60
        while not said.endswith("\n") and time.monotonic() < end:
            said += capsys.readouterr().err
            time.sleep(0.01)
    waiting.join()
    assert said == f"waiting for process {os.getpid()} on {platform.node()}: {lock.parent}\n"


def test_a_holder_that_never_signs_is_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "SIGNED_WITHIN", 0.0)
    lock = tmp_path / ".lock"
    for content in ("", "process 1", "\x00\x01\n", " \n"):
        lock.write_text(content)
        assert locks.holder(lock) == "another process"


def test_who_released_a_lock_is_not_taken_for_its_next_holder(tmp_path: Path) -> None:
    _pass(tmp_path / ".lock")
    assert (tmp_path / ".lock").read_text() == ""


def _pass(lock: Path) -> None:
    with locks.exclusive(lock):
        assert lock.read_text() == f"process {os.getpid()} on {platform.node()}\n"
