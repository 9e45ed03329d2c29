"""The requests that the agent answers: one frame on standard input, one answer on standard output.

The agent ends when its input ends, or when no request arrives within its patience.
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

PATIENCE = 15.0  # seconds to wait for a request, or for the host to read an answer
BEAT = 0.5  # seconds between heartbeats
WHOLE = 1.0  # at most this many seconds of inference without the profiler, for comparison
WARM_UP = 0.02  # seconds of inference that warm up a session


class Link:
    """The agent's standard input and output as streams of frames."""

    def __init__(self, patience: float) -> None:
        self.pipe = Patient(0, patience)
        self.requests = io.BufferedReader(self.pipe)
        self.answers = io.BufferedWriter(Patient(os.dup(1), patience))
        self.beat = time.monotonic() + BEAT
        os.dup2(2, 1)  # keeps what libraries print out of the answers

    def alive(self) -> None:
        """Called during a request: ends the agent if the host has gone, and sends heartbeats."""
        if self.pipe.moves(select.POLLIN, 0):  # the host sends nothing before the answer, so this is the end of input
            raise SystemExit(1)
        if time.monotonic() > self.beat:
            self.beat = time.monotonic() + BEAT
            self.answers.write(b"\n")
            self.answers.flush()


class Board:
    """The loaded files by name, and the requests about them."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.files: dict[str, Opened] = {}
        self.lock = MachineLock()
        self.program = sys.argv[0]  # the agent's file or folder

    def requests(self) -> dict[str, Callable[..., dict[str, Any]]]:
        """The functions that answer the host's requests, by the request's name."""
        return {
            "ping": dict,
            "passport": passport,
            "state": state,
            "setup": self.setup,
            "pin": self.pin,
            "lock": self.lock.take,
            "load": self.load,
            "round": self.round,
            "outputs": self.outputs,
            "peak_memory": self.peak_memory,
            "profile": self.profile,
        }

    def pin(self, cores: str, threads: int) -> dict[str, Any]:
        """Binds the agent to cores; {"refused": reason} if that is impossible."""
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
        """Seconds: the median inference over `seconds` or more and at least LEAST runs; and each single one if `each`.

        The median, because other programs take the core for milliseconds at a time: with five busy processes on two
        cores, the means of 20 ms samples differed by 18 to 45 %, their medians by 2 to 3 %.
        """
        run, clock = self.files[name].run, time.perf_counter
        moments = [clock()]
        while moments[-1] - moments[0] < seconds or len(moments) <= LEAST:
            run()
            moments.append(clock())
        singles = [b - a for a, b in zip(moments, moments[1:])]  # noqa: RUF007 (Python 3.9)
        return statistics.median(singles), singles if each else []

    def round(self, order: list[str], seconds: float, each: bool) -> dict[str, Any]:
        """One sample of each named file, in this order, with the board's state before and after."""
        before, samples = state(), []
        for name in order:
            samples.append(self.sample(name, seconds, each))
            self.link.alive()
        return {"before": before, "samples": samples, "after": state()}

    def outputs(self, name: str, image: list[Any]) -> dict[str, Any]:
        """A file's first output for one image, which the host compares with its own."""
        import numpy

        found = self.files[name].outputs(numpy.asarray(image, numpy.float32))
        if not numpy.isfinite(found).all():
            raise ValueError(f"{name} outputs numbers that are not finite")
        return {"output": found.tolist()}

    def profile(self, name: str, runtime: str, file: str, sha256: str, threads: int, seconds: float) -> dict[str, Any]:
        """Returns each operator's name, kind and seconds, and the seconds of the whole file without a profiler."""
        data = intact(name, file, sha256)
        operators = [list(one) for one in RUNTIMES[runtime].profile(data, threads, seconds, self.link.alive)]
        self.files[name] = open_file(runtime, data, threads)
        self.sample(name, WARM_UP, False)
        return {"operators": operators, "whole": self.sample(name, min(seconds, WHOLE), False)[0]}

    def peak_memory(self, name: str, runtime: str, file: str, sha256: str, threads: int) -> dict[str, Any]:
        """Peak resident memory of a process that only opens and runs this file, in bytes; None where unknown.

        Returns {"peak": ..., "runtime": ...}, where "runtime" is the peak before the file was opened.
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
        """Installs the packages if needed; returns the command to continue as, and notes for the user.

        Returns {"failed": reason} if the installation failed, {"impossible": reason} if it can never succeed.
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
        """Replaces this process by another Python with the same pipes."""
        os.dup2(self.link.answers.raw.descriptor, 1)
        os.execv(command[0], command)

    def _run(self, command: list[str], file: Any = subprocess.DEVNULL) -> tuple[int, str]:
        """The command's exit code and output; it and all its children die with the agent."""
        return run(self.program, command, self.link.alive, file)


def main(kind: type[Board] = Board) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the host handles Ctrl-C; the agent ends when its input does
    signal.alarm(0)  # cancels the time limit for starting over ssh
    board = kind(Link(float(sys.argv[1]) if len(sys.argv) > 1 else PATIENCE))
    requests = board.requests()
    while (request := read_frame(board.link.requests, LARGEST_REQUEST)) is not None:
        answer: dict[str, Any] = {"nonce": request.pop("nonce", None)}
        try:
            answer["answer"] = requests[request.pop("do")](**request)
        except Exception as error:  # the host decides how to report it
            answer["error"] = one_line(error)
        write_frame(board.link.answers, answer)
        if "enter" in answer.get("answer", ()):
            board.enter(answer["answer"]["enter"])
