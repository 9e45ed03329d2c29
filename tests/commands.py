"""Runs real commands in a fresh clone: launcher.py forks a process for each, so that it starts quickly."""

from __future__ import annotations

import compileall
import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PACKAGES = ("search_spaces", "predictors", "strategies", "compress", "experiments", "hydra_conf", "paper")
SMOKE = (
    "experiment=smoke",
    "threads=1",
    "objective.target_fraction=1",
)  # a target that some network meets in any noise
OUTSIDE = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}  # of any other repository
SAMPLES = ("0.002", "0.01", "0.05")  # seconds per sample; the next is tried where the machine is too noisy for one
DOT = bytes.fromhex(  # a PNG of one pixel
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
)

# Code that a command runs first: its figures are drawn, with fonts that are not cut down to the letters in use
DRAWN = "import importlib; from paper.figures import style; importlib.reload(style)"
WHOLE_FONTS = "style.RC |= {'pdf.fonttype': 3, 'pdf.compression': 1}"

# Makes a process build torch's registry of ONNX operators once, which takes a second, and not for every export.
ONE_REGISTRY = """
import contextlib, functools
with contextlib.suppress(ImportError, AttributeError):  # in another version of torch
    from torch.onnx._internal.exporter._registration import ONNXRegistry
    ONNXRegistry.from_torchlib = staticmethod(functools.cache(ONNXRegistry.from_torchlib))
"""


class Done(NamedTuple):
    code: int
    out: str
    err: str
    events: int = 0  # that hold the sign of `die`, if it was told one and lived
    seconds: float = 0.0  # processor seconds, likewise


class Finished(NamedTuple):
    house: Path  # a fresh clone
    runs: Path  # the runs folder of the pipeline that ran in it
    arguments: tuple[str, ...]
    out: str

    def folder(self, step: str) -> Path:
        """Returns the step's folder: the full table's for `measure`, the last stage's for `compress`."""
        (folder,) = (self.runs / step).glob({"measure": "tiny-*", "compress": "quantize-*"}.get(step, "*"))
        return folder

    @property
    def table(self) -> Path:
        return self.folder("measure") / "table.json"


Command = Callable[..., Done]  # (name, *arguments), in a process of its own
Here = Callable[..., Done]  # (function of the configuration, *arguments), in this process


def git(house: Path, *words: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    command = ["git", *identity, *words]
    return subprocess.run(command, cwd=house, env=OUTSIDE, capture_output=True, text=True, check=True).stdout


def copy_steps(finished: Finished, runs: Path, *steps: str) -> Path:
    for step in steps:
        shutil.copytree(finished.runs / step, runs / step)
    return runs


def clone(house: Path) -> None:
    """Copies our packages to a fresh clone, compiles them once for all commands, and commits them if there is git."""
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "runs", "build", ".lock")  # as git ignores them
        shutil.copytree(ROOT / package, house / package, ignore=ignored)
    compileall.compile_dir(house, quiet=1)
    shutil.copy(ROOT / ".gitignore", house)
    if shutil.which("git"):
        git(house, "init", "-q")
        git(house, "add", "-A")
        git(house, "commit", "-qm", "all")


def pipeline(house: Path, command: Command) -> Finished:
    """Runs the pipeline to its end and draws its figures. Raises RuntimeError with its output if it fails."""
    for sample in SAMPLES:
        arguments = (*SMOKE, f"measure.sample_seconds={sample}")
        done = command("pipeline", *arguments, before=f"{DRAWN}; {WHOLE_FONTS}")
        if done.code == 0:
            return Finished(house, house / "experiments" / "runs", arguments, done.out)
        shutil.rmtree(house / "experiments" / "runs", ignore_errors=True)
    raise RuntimeError(done.err)


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def launcher(house: Path, shared: Path) -> socket.socket:
    """Returns a connection to launcher.py, which the first process starts for all that share a folder."""
    port, here = shared / "launcher.port", Path(__file__).parent
    with one_at_a_time(shared / "launcher.lock"):
        with contextlib.suppress(OSError):
            return socket.create_connection(("127.0.0.1", int(port.read_text())))
        words = [sys.executable, "-c", (here / "launcher.py").read_text(), DOT.hex(), str(here / "composing.py")]
        own = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "start_new_session": True}
        started = subprocess.Popen(words, cwd=house, env=OUTSIDE, text=True, **own)  # type: ignore[call-overload]
        port.write_text(started.stdout.readline())
        return socket.create_connection(("127.0.0.1", int(port.read_text())))


@contextmanager
def commands(house: Path, shared: Path, folder: Path) -> Iterator[Command]:
    """Yields a function that runs a command in the clone, in a process group of its own.

    `die=(sign, n)`: it sends itself the signal `send` (see launcher.py). `before`: code that the process runs first.
    `meanwhile(group)` is called after the start. `folder` is for the commands' output.
    """
    output = [str(folder / name) for name in ("out", "err", "events")]
    connection = launcher(house, shared)
    lines = connection.makefile("rw")

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
        print(json.dumps(asked), file=lines, flush=True)
        group = int(lines.readline())
        try:
            if meanwhile:
                meanwhile(group)
        finally:
            code = int(lines.readline())  # otherwise the next command would read it
        out, err, lived = (Path(path).read_text() for path in output)
        return Done(code, out, err, *json.loads(lived))

    with connection, lines:
        yield run
