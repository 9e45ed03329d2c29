"""The requests that the agent answers: frames on its standard input, each answered by one on its standard output.

It ends when its input ends, or when nobody asks for as long as its patience lasts.
"""

from __future__ import annotations

import io
import json
import os
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from predictors.agent.children import run
from predictors.agent.condition import state
from predictors.agent.frames import LARGEST_REQUEST, Patient, read_frame, write_frame
from predictors.agent.machine import passport
from predictors.agent.machine_lock import MachineLock
from predictors.agent.packages import Impossible, python_with
from predictors.agent.pinning import pin
from predictors.agent.runtime import LEAST, intact, one_line
from predictors.agent.runtimes import RUNTIMES, Opened, open_file

PATIENCE = 15.0  # seconds without a request, or with an answer that nobody takes
BEAT = 0.5  # seconds between signs of life
WARM_UP = 0.02  # seconds of inference before a session counts as warm


class Link:
    """The agent's own standard input and output, as streams of frames."""

    def __init__(self, patience: float) -> None:
        self.pipe = Patient(0, patience)
        self.requests = io.BufferedReader(self.pipe)
        self.answers = io.BufferedWriter(Patient(os.dup(1), patience))
        self.beat = time.monotonic() + BEAT
        os.dup2(2, 1)  # whatever a library prints is not part of the answer

    def alive(self) -> None:
        """In the middle of a request: ends the agent where the host has gone, and tells it that work goes on."""
        if self.pipe.moves(select.POLLIN, 0):  # nothing but the end may come before the answer
            raise SystemExit("the host has gone")
        if time.monotonic() > self.beat:
            self.beat = time.monotonic() + BEAT
            self.answers.write(b"\n")
            self.answers.flush()


class Board:
    """The loaded files, by name."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.files: dict[str, Opened] = {}
        self.lock = MachineLock()
        self.program = sys.argv[0]  # the agent's file or folder

    def pin(self, cores: str, threads: int) -> dict[str, Any]:
        """Binds the agent to its cores; {"refused": why} where that cannot be."""
        try:
            return pin(cores, threads)
        except ValueError as error:
            return {"refused": str(error)}

    def load(self, name: str, runtime: str, file: str, sha256: str, threads: int) -> dict[str, Any]:
        """Opens a file and warms it up."""
        self.files[name] = open_file(runtime, intact(name, file, sha256), threads)
        self.sample(name, WARM_UP, False)
        return {}

    def sample(self, name: str, seconds: float, each: bool) -> tuple[float, list[float]]:
        """The median inference of at least `seconds` and LEAST of them, in seconds; and every single one if `each`.

        The median, since other programs take the core for milliseconds at a time: with five busy processes on two
        cores, samples of 20 ms differed by 18 to 45 % in their mean and by 2 to 3 % in their median.
        """
        run, clock = self.files[name].run, time.perf_counter
        moments = [clock()]
        while moments[-1] - moments[0] < seconds or len(moments) <= LEAST:
            run()
            moments.append(clock())
        singles = [b - a for a, b in zip(moments, moments[1:])]  # noqa: RUF007 (Python 3.9)
        return statistics.median(singles), singles if each else []

    def round(self, order: list[str], seconds: float, each: bool) -> dict[str, Any]:
        """One sample of every named file, in this order, between two looks at the board's state."""
        before, samples = state(), []
        for name in order:
            samples.append(self.sample(name, seconds, each))
            self.link.alive()
        return {"before": before, "samples": samples, "after": state()}

    def outputs(self, name: str, image: list[Any]) -> dict[str, Any]:
        """A file's first output for one image: compared with the host's, so that both run the same network."""
        import numpy

        found = self.files[name].outputs(numpy.asarray(image, numpy.float32))
        if not numpy.isfinite(found).all():
            raise ValueError(f"{name} answers with numbers that are not finite")
        return {"output": found.tolist()}

    def peak_memory(self, name: str, runtime: str, file: str, sha256: str, threads: int) -> dict[str, Any]:
        """What a process that opens and runs nothing but this file has resident at most: bytes, or None if unknown.

        The answer is {"peak": ..., "runtime": ...}, "runtime" before it opened the file.
        """
        with tempfile.TemporaryFile() as content:
            content.write(intact(name, file, sha256))
            content.seek(0)
            command = [sys.executable, self.program, "report_memory", runtime, str(threads)]
            code, output = self._run(command, content)
        last = ([line for line in output.split("\n") if line.strip()] or [f"it ended with exit code {code}"])[-1]
        if code != 0:
            raise RuntimeError(f"{name}: {last}")
        return json.loads(last)

    def setup(
        self, folder: str, runtime: str, version: str, chosen: bool, source: str, patience: float
    ) -> dict[str, Any]:
        """Sees to the packages; then says which command `enter` is to go on as, and what the user should read.

        The answer is {"failed": reason} where the packages could not be installed, {"impossible": reason} where nobody
        could install them.
        """
        home = Path(folder).expanduser().resolve()
        home.mkdir(parents=True, exist_ok=True)
        fresh = home / f"agent.{os.getpid()}"
        fresh.write_text(source, encoding="utf-8")
        fresh.replace(home / "agent.py")
        self.program = str(home / "agent.py")
        try:
            python, notes = python_with(home, RUNTIMES[runtime], version, chosen, self._run, self.link.alive)
        except Impossible as error:
            return {"impossible": str(error)}
        except ValueError as error:
            return {"failed": str(error)}
        return {"enter": [python, self.program, str(patience)], "notes": notes}

    def enter(self, command: list[str]) -> None:
        """Goes on as another Python with the same pipes."""
        os.dup2(self.link.answers.raw.descriptor, 1)
        os.execv(command[0], command)

    def _run(self, command: list[str], file: Any = subprocess.DEVNULL) -> tuple[int, str]:
        """The command's exit code and output; it dies with the agent, and all that it starts too."""
        return run(self.program, command, self.link.alive, file)


def main(kind: type[Board] = Board) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the host; the agent ends when its input does
    signal.alarm(0)  # the start over ssh is under a limit
    board = kind(Link(float(sys.argv[1]) if len(sys.argv) > 1 else PATIENCE))
    requests: dict[str, Callable[..., dict[str, Any]]] = {
        "ping": dict,
        "passport": passport,
        "state": state,
        "setup": board.setup,
        "pin": board.pin,
        "lock": board.lock.take,
        "load": board.load,
        "round": board.round,
        "outputs": board.outputs,
        "peak_memory": board.peak_memory,
    }
    while (request := read_frame(board.link.requests, LARGEST_REQUEST)) is not None:
        answer: dict[str, Any] = {"nonce": request.pop("nonce", None)}
        try:
            answer["answer"] = requests[request.pop("do")](**request)
        except Exception as error:
            answer["error"] = one_line(error)
        write_frame(board.link.answers, answer)
        if "enter" in answer.get("answer", ()):
            board.enter(answer["answer"]["enter"])
