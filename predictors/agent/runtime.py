"""Files that arrive on the board, and how much memory a process needs that runs nothing but one of them."""

from __future__ import annotations

import base64
import hashlib
import json
import sys

from predictors.agent.condition import peak_rss
from predictors.agent.runtimes import RUNTIMES, open_file

LEAST = 5  # inferences; of fewer, one that was interrupted would be the median


def intact(name: str, file: str, sha256: str) -> bytes:
    data = base64.b64decode(file)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError(f"{name} arrived damaged")
    return data


def report_memory(runtime: str, threads: int) -> None:
    """As a fresh process: prints its peak before it opens the file on its standard input, and after some inferences."""
    import numpy.random  # noqa: F401 (so that it counts as the runtime's)

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
    """What went wrong; the kind of error only where it says more than that a value was wrong."""
    kind = "" if type(error) is ValueError else f"{type(error).__name__}: "
    return f"{kind}{error}".split("\n")[0]
