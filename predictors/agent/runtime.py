"""How onnxruntime opens a file on the board, and how much memory a process needs that does nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from typing import Any

from predictors.agent.condition import peak_rss

LEAST = 5  # inferences; of fewer, one that was interrupted would be the median


def options(threads: int) -> Any:
    """How onnxruntime is to run a file here: with so many threads, which leave the cores alone between inferences."""
    import onnxruntime

    chosen = onnxruntime.SessionOptions()
    chosen.intra_op_num_threads, chosen.inter_op_num_threads = threads, 1
    chosen.add_session_config_entry("session.force_spinning_stop", "1")
    chosen.log_severity_level = 3
    return chosen


def intact(name: str, onnx: str, sha256: str) -> bytes:
    data = base64.b64decode(onnx)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError(f"{name} arrived damaged")
    return data


def open_file(onnx: bytes | str, threads: int) -> tuple[Any, dict[str, Any]]:
    """A session of a file's bytes or path, and one random image for it."""
    import numpy
    import onnxruntime

    session = onnxruntime.InferenceSession(onnx, options(threads), providers=["CPUExecutionProvider"])
    image = session.get_inputs()[0]
    shape = [size if isinstance(size, int) else 1 for size in image.shape]
    return session, {image.name: numpy.random.default_rng(0).standard_normal(shape, dtype=numpy.float32)}


def report_memory(threads: int) -> None:
    """As a fresh process: prints its peak before it opens the file on its standard input, and after some inferences."""
    import numpy.random  # noqa: F401 (so that it counts as the runtime's)
    import onnxruntime  # noqa: F401

    runtime = peak_rss()
    try:
        session, feed = open_file("/dev/stdin", threads)
        for _ in range(LEAST):
            session.run(None, feed)
    except Exception as error:
        sys.exit(one_line(error))
    print(json.dumps({"peak": peak_rss(), "runtime": runtime}))


def one_line(error: Exception) -> str:
    """What went wrong; the kind of error only where it says more than that a value was wrong."""
    kind = "" if type(error) is ValueError else f"{type(error).__name__}: "
    return f"{kind}{error}".split("\n")[0]
