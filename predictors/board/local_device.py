"""This machine as a device."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from predictors.board.agent_source import AGENT
from predictors.board.device import Connection


@contextmanager
def local(
    threads: int, program: Sequence[str] = (str(AGENT),), cores: str = "", runtime: str = "onnxruntime"
) -> Iterator[Connection]:
    """This machine as a device; the agent runs in its own process, which ends with the `with` block."""
    command = [sys.executable, *program, str(math.inf)]
    process = subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    connection = Connection(process, threads, where="this machine", runtime=runtime)
    try:
        connection.pin(cores)
        yield connection
    finally:
        connection.close()
