"""The host's side of a board: a running agent, asked one thing at a time."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from predictors import agent
from search_spaces.errors import LutraError


class Board:
    """An agent process: `ask` sends a request and waits for its answer. `passport` says what machine it is."""

    def __init__(self, process: subprocess.Popen[bytes], threads: int) -> None:
        self._process = process
        self.threads = threads
        self.passport: dict[str, Any] = {**self.ask("passport"), "threads": threads}

    def ask(self, do: str, **arguments: Any) -> Any:
        """The agent's answer. Raises LutraError where the agent died, or says why it cannot."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            agent.write_frame(stdin, {"do": do, **arguments})
            answer = agent.read_frame(stdout)
        except (OSError, ValueError) as error:
            raise LutraError(f"the agent's connection broke at {do!r}: {error}") from error
        if answer is None:
            raise LutraError(f"the agent ended at {do!r} with exit code {self._process.wait()}; see its output above")
        if "error" in answer:
            raise LutraError(f"the agent could not {do}: {answer['error']}")
        return answer["answer"]

    def load(self, name: str, onnx: bytes) -> None:
        sha256 = hashlib.sha256(onnx).hexdigest()
        self.ask("load", name=name, onnx=base64.b64encode(onnx).decode(), sha256=sha256, threads=self.threads)

    def round(self, order: Sequence[str], seconds: float, each: bool = False) -> dict[str, Any]:
        return self.ask("round", order=list(order), seconds=seconds, each=each)


@contextmanager
def local(threads: int) -> Iterator[Board]:
    """This machine, timed by the agent in a process of its own, which ends with the `with` block."""
    command = [sys.executable, str(Path(agent.__file__))]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield Board(process, threads)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
