"""Fixtures for all tests: commands in a fresh clone, and the smallest pipeline, run once for all workers."""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch and NumPy load: each of pytest's workers has one core

import fcntl
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from tests.commands import DOT, LAUNCHER, OUTSIDE, Command, Done, Finished, Here, clone, pipeline

settings.register_profile("tests", deadline=None, derandomize=True, database=None, max_examples=50)
settings.load_profile("tests")


@pytest.fixture(scope="session", autouse=True)
def own_lock(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Gives the tests a lock of their own, so that they never wait for another measurement on this machine."""
    os.environ["LUTRA_LOCK"] = str(tmp_path_factory.getbasetemp() / "machine.lock")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Resets the number of threads after a command that ran in this process."""
    yield
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder that all pytest-xdist workers share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def house(shared: Path) -> Path:
    """Makes a fresh clone."""
    house = shared / "clone" / "lutra"
    with one_at_a_time(shared):
        if not house.exists():
            clone(house.parent / "unfinished")
            (house.parent / "unfinished").rename(house)
    return house


@pytest.fixture(scope="session")
def finished(house: Path, shared: Path) -> Finished:
    """Runs the smallest pipeline; no test may change its files."""
    record = shared / "finished.json"
    with one_at_a_time(shared):
        if not record.exists():
            made = pipeline(house)
            record.write_text(json.dumps([made.arguments, made.out]))
    arguments, out = json.loads(record.read_text())
    return Finished(house, house / "experiments" / "runs", tuple(arguments), out)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """Runs a command's function in this process: faster than `command`, and with the test's monkeypatches."""
    from experiments.config import command as command_line
    from paper.figures import style

    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.setattr(style, "rendered", lambda drawn, kind: DOT)  # drawing takes longer than most commands

    def run(function: Callable[..., object], *arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["command", *arguments])
        capsys.readouterr()
        try:
            command_line.run(function)
        except SystemExit as stop:
            return Done(int(stop.code or 0), *capsys.readouterr())
        return Done(0, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def command(house: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """Runs a command in the clone, in a process group of its own.

    `die=(sign, n)`: it sends itself the signal `send` (see LAUNCHER). `before`: code that the process runs first.
    `meanwhile(group)` is called after the start.
    """
    output = [str(tmp_path_factory.mktemp("output") / name) for name in ("out", "err", "events")]
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER],
        cwd=house,
        env=OUTSIDE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    stdin, stdout = launcher.stdin, launcher.stdout
    assert stdin
    assert stdout

    def run(
        name: str,
        *arguments: str,
        die: tuple[str, int] = ("", 0),
        send: signal.Signals = signal.SIGKILL,
        before: str = "",
        meanwhile: Callable[[int], None] | None = None,
    ) -> Done:
        asked = {"command": name, "arguments": arguments, "output": output, "die": die, "send": send, "before": before}
        Path(output[2]).write_text("[]")
        stdin.write(json.dumps(asked) + "\n")
        stdin.flush()
        group = int(stdout.readline())
        try:
            if meanwhile:
                meanwhile(group)
        finally:
            code = int(stdout.readline())  # otherwise the next command would read it
        out, err, lived = (Path(path).read_text() for path in output)
        return Done(code, out, err, *json.loads(lived))

    with launcher:
        yield run
        stdin.close()
