"""The host's side of a board: a running agent, asked one thing at a time."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import math
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Protocol

from predictors import agent
from predictors.agent_source import AGENT
from search_spaces.errors import LutraError

FAREWELL = 2.0  # seconds that an agent gets to end by itself


class Unreachable(LutraError):
    """The board does not answer now; over a new connection the same request may succeed."""


class Board(Protocol):
    """What times files. `passport` says what machine it is."""

    @property
    def threads(self) -> int: ...

    @property
    def passport(self) -> Mapping[str, Any]: ...

    def ask(self, do: str, **arguments: Any) -> Any:
        """The agent's answer. Raises Unreachable where the connection broke, LutraError where it cannot."""

    def load(self, name: str, onnx: bytes) -> None: ...

    def round(self, order: Sequence[str], seconds: float, each: bool = False) -> dict[str, Any]:
        """One sample of every file, in this order: {"before": state, "samples": [...], "after": state}."""


class Connection:
    """A board behind the two pipes of a process, whose agent has `patience` seconds for a sign of life.

    `ended(request)` makes the exception for a process that ended before it answered. With a limited patience the agent
    expects signs of life too: an idle connection is pinged by a thread.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        threads: int,
        patience: float = math.inf,
        ended: Callable[[str], LutraError] | None = None,
    ) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._ended = ended or self._ended_here
        self._out = agent.Patient(process.stdin.fileno(), patience)
        self._in = agent.Patient(process.stdout.fileno(), patience)
        self._requests, self._answers = io.BufferedWriter(self._out), io.BufferedReader(self._in)
        self._turn, self._closing = threading.Lock(), threading.Event()
        self.threads = threads
        self._pings = threading.Thread(target=self._ping, args=(patience / 3,), daemon=True)
        if math.isfinite(patience):
            self._pings.start()

    @cached_property
    def passport(self) -> Mapping[str, Any]:
        return {**self.ask("passport"), "threads": self.threads}

    def ask(self, do: str, **arguments: Any) -> Any:
        if self._closing.is_set():
            raise Unreachable(f"the agent cannot {do}: its connection was closed")
        with self._turn:
            return self._exchange(do, arguments)

    def send(self, program: bytes) -> None:
        """What goes before the first request, to start the agent with."""
        try:
            with self._turn:
                self._requests.write(program)
                self._requests.flush()
        except OSError:
            raise self._ended("start") from None

    def _exchange(self, do: str, arguments: Mapping[str, Any]) -> Any:
        nonce = secrets.token_hex(8)
        try:
            agent.write_frame(self._requests, {"nonce": nonce, "do": do, **arguments})
            answer = agent.read_frame(self._answers)
        except BrokenPipeError:
            raise self._ended(do) from None
        except (OSError, ValueError) as error:
            raise Unreachable(f"the agent's connection broke at {do!r}: {error}") from error
        if answer is None:
            raise self._ended(do)
        if answer.get("nonce") != nonce:
            raise Unreachable(f"the agent's connection broke at {do!r}: the answer is to another request")
        if "error" in answer:
            raise LutraError(f"the agent could not {do}: {answer['error']}")
        return answer["answer"]

    def load(self, name: str, onnx: bytes) -> None:
        self.ask("load", **as_arguments(name, onnx, self.threads))

    def round(self, order: Sequence[str], seconds: float, each: bool = False) -> dict[str, Any]:
        return self.ask("round", order=list(order), seconds=seconds, each=each)

    def close(self) -> None:
        """Ends the agent: by the end of its input, and where that does not help, by ending its process."""
        self._closing.set()
        if not self._turn.acquire(timeout=FAREWELL):
            self._process.kill()
            self._turn.acquire()
        self._out.close()
        self._process.stdin.close()  # type: ignore[union-attr]
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(FAREWELL)
        self._process.kill()
        self._process.wait()
        self._in.close()
        self._process.stdout.close()  # type: ignore[union-attr]

    def _ping(self, pause: float) -> None:
        while not self._closing.wait(pause):
            if self._turn.acquire(blocking=False):
                try:
                    self._exchange("ping", {})
                except LutraError:
                    return  # the next request will say what is wrong
                finally:
                    self._turn.release()

    def _ended_here(self, do: str) -> LutraError:
        return Unreachable(f"the agent ended at {do!r} with exit code {self._process.wait()}; see its output above")


def as_arguments(name: str, onnx: bytes, threads: int) -> dict[str, Any]:
    """How a file travels in a request."""
    sha256 = hashlib.sha256(onnx).hexdigest()
    return {"name": name, "onnx": base64.b64encode(onnx).decode(), "sha256": sha256, "threads": threads}


@contextmanager
def local(threads: int, program: Sequence[str] = (str(AGENT),)) -> Iterator[Connection]:
    """This machine, timed by the agent in a process of its own, which ends with the `with` block."""
    command = [sys.executable, *program, str(math.inf)]
    process = subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    connection = Connection(process, threads)
    try:
        yield connection
    finally:
        connection.close()
