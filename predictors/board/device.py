"""The host's side of a board: a connection to a running agent that handles one request at a time."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import math
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from predictors import agent
from predictors.agent.frames import Damaged
from predictors.board.answer_validation import BadAnswer, checked, plain
from predictors.board.fingerprint import runtime_of
from predictors.board.limits import Limits
from search_spaces.errors import LutraError

FAREWELL = 2.0  # seconds for an agent to end by itself
LOCK_PAUSE = 0.5  # seconds between two attempts to lock the board


class Unreachable(LutraError):
    """The board does not answer now; the same request may succeed over a new connection."""


class Board(Protocol):
    """A device that times files. `passport` is its fingerprint."""

    @property
    def threads(self) -> int: ...

    @property
    def passport(self) -> Mapping[str, Any]: ...

    def ask(self, do: str, **arguments: Any) -> Any:
        """The agent's answer. Raises Unreachable if the connection broke, LutraError if the request failed."""

    def load(self, name: str, file: bytes) -> None:
        """Sends a file in the runtime's format and opens it. Raises LutraError if it cannot run."""

    def round(self, order: Sequence[str], seconds: float, each: bool = False) -> dict[str, Any]:
        """One sample of each file, in this order: {"before": state, "samples": [...], "after": state}."""


class Connection:
    """A board behind the two pipes of a process, whose agent must give a sign of life every `patience` seconds.

    With finite patience the agent expects signs of life too, so a thread pings while the connection is idle.
    `ended(request)` returns the exception to raise when the process exits before answering. `where` names the board in
    messages.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        threads: int,
        patience: float = math.inf,
        ended: Callable[[str], LutraError] | None = None,
        where: str = "the board",
        runtime: str = "onnxruntime",
    ) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._where, self._runtime = process, where, runtime
        self._ended = ended or self._ended_here
        self._out = agent.Patient(process.stdin.fileno(), patience)
        self._in = agent.Patient(process.stdout.fileno(), patience)
        self._requests, self._answers = io.BufferedWriter(self._out), io.BufferedReader(self._in)
        self._turn, self._closing = threading.Lock(), threading.Event()
        self._limits = Limits(patience)
        self.threads = threads
        self._pings = threading.Thread(target=self._ping, args=(patience / 3,), daemon=True)
        if math.isfinite(patience):
            self._pings.start()

    @cached_property
    def passport(self) -> Mapping[str, Any]:
        return {**self.ask("passport", runtime=self._runtime), "threads": self.threads}

    def ask(self, do: str, **arguments: Any) -> Any:
        if self._closing.is_set():
            raise Unreachable(f"the agent cannot {do}: its connection was closed")
        with self._turn:
            return self._exchange(do, arguments)

    def send(self, program: bytes) -> None:
        """Sends the program that starts the agent, before the first request."""
        try:
            with self._turn:
                self._requests.write(program)
                self._requests.flush()
        except OSError:
            raise self._ended("start") from None

    def _exchange(self, do: str, arguments: Mapping[str, Any]) -> Any:
        nonce, begun = secrets.token_hex(8), time.monotonic()
        self._out.finish_within(self._limits.seconds(do, arguments))
        self._in.finish_within(self._limits.seconds(do, arguments))
        try:
            agent.write_frame(self._requests, {"nonce": nonce, "do": do, **arguments})
            while (answer := agent.read_frame(self._answers, self._limits.bytes(do, arguments))) is not None:
                if answer.get("nonce") == nonce:
                    break  # anything else is a late answer to an earlier request
        except BrokenPipeError:
            raise self._ended(do) from None
        except (OSError, Damaged) as error:
            raise Unreachable(f"{self._where}: the connection broke during {do!r}: {plain(error)}") from error
        except ValueError as error:
            raise BadAnswer(f"{self._where} sent an invalid answer to {do!r}: {plain(error)}") from None
        if answer is None:
            raise self._ended(do)
        if "error" in answer:
            raise LutraError(f"{self._where} could not {do}: {plain(answer['error'])}")
        if "answer" not in answer:
            raise BadAnswer(f"{self._where} sent an invalid answer to {do!r}: a frame without an answer")
        found = checked(self._where, do, arguments, answer["answer"])
        self._limits.learn(do, arguments, time.monotonic() - begun)
        return found

    def pin(self, cores: str) -> None:
        """Binds the agent to these cores; if none are given, to the fast ones of a board that also has slow ones."""
        answer = self.ask("pin", cores=cores, threads=self.threads)
        if "refused" in answer:
            raise LutraError(f"{self._where}: {answer['refused']}")

    def lock(self, say: Callable[[str], None] = print) -> None:
        """Waits until no other measurement runs on the board, then locks it until the agent ends."""
        reported: set[object] = set()
        while "busy" in (answer := self.ask("lock")):
            holder = answer["busy"]
            if holder.get("pid") not in reported:
                reported.add(holder.get("pid"))
                say(f"{self._where} is in use {by_whom(holder)}; waiting until it is free")
            time.sleep(LOCK_PAUSE)
        if "unlocked" in answer:
            say(f"{self._where} cannot be locked ({answer['unlocked']}): do not start another measurement there")

    def load(self, name: str, file: bytes) -> None:
        self.ask("load", **as_arguments(name, file, self))

    def round(self, order: Sequence[str], seconds: float, each: bool = False) -> dict[str, Any]:
        return self.ask("round", order=list(order), seconds=seconds, each=each)

    def close(self) -> None:
        """Ends the agent by closing its input; if that fails, by killing its process."""
        if self._closing.is_set():
            return
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
                    return  # the next request reports the error
                finally:
                    self._turn.release()

    def _ended_here(self, do: str) -> LutraError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(FAREWELL)
        self._process.kill()
        code = self._process.wait()
        return Unreachable(f"the agent on {self._where} exited with code {code} during {do!r}; see its output above")


def by_whom(holder: Mapping[str, Any]) -> str:
    """A phrase that says which measurement holds the board, as far as is known."""
    if not holder.get("pid"):
        return "by another measurement"
    seconds = holder.get("seconds") or 0
    since = f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
    return f"by another measurement (process {holder['pid']} of {holder.get('user')}, for {since})"


def as_arguments(name: str, file: bytes, board: Board) -> dict[str, Any]:
    """A file as the arguments of a request."""
    runtime, sha256 = runtime_of(board.passport), hashlib.sha256(file).hexdigest()
    data = base64.b64encode(file).decode()
    return {"name": name, "runtime": runtime, "file": data, "sha256": sha256, "threads": board.threads}
