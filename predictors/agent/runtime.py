"""Checks files that arrive on the board, and measures the memory that their inference needs."""

from __future__ import annotations

import base64
import hashlib
import json
import sys

from predictors.agent.condition import peak_rss
from predictors.agent.runtimes import RUNTIMES, open_file

LEAST = 5  # inferences; with fewer, the median could be an interrupted one


def intact(name: str, file: str, sha256: str) -> bytes:
    data = base64.b64decode(file)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError(f"{name} was damaged in transit")
    return data


def report_memory(runtime: str, threads: int) -> None:
    """In a new process: prints peak memory before opening the file on standard input, and after some inferences."""
    import numpy.random  # noqa: F401 (so that it counts as part of the runtime)

    RUNTIMES[runtime].version()
    before = peak_rss()
    try:
        opened = open_file(runtime, "/dev/stdin", threads)
        for _ in range(LEAST):
            opened.run()
    except Exception as error:
        sys.exit(one_line(error))
    print(json.dumps({"peak": peak_rss(), "runtime": before}))


def one_line(error: Exception) -> str:
    """The error as one line; names the type unless it is a plain ValueError."""
    kind = "" if type(error) is ValueError else f"{type(error).__name__}: "
    return f"{kind}{error}".split("\n")[0]
