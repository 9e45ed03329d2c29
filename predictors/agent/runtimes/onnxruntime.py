"""onnxruntime: executes ONNX files."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

PACKAGE = "onnxruntime"
MODULE = "onnxruntime"
SUFFIX = ".onnx"
NEWEST_FOR = {(3, 9): (1, 19), (3, 10): (1, 23)}
WHEELS = ("x86_64", "amd64", "aarch64", "arm64")
OLDEST_GLIBC = (2, 27)
BROKEN = {"1.21.0": ("aarch64", "arm64")}  # crashes with SIGILL on a Raspberry Pi 4: microsoft/onnxruntime issue 23957
TYPES = {  # of inputs; pixels are uint8
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
}


def version() -> str:
    import onnxruntime

    return onnxruntime.__version__


def options(threads: int) -> Any:
    """Session options: this many threads, which do not spin between inferences."""
    import onnxruntime

    chosen = onnxruntime.SessionOptions()
    chosen.intra_op_num_threads, chosen.inter_op_num_threads = threads, 1
    chosen.add_session_config_entry("session.force_spinning_stop", "1")
    chosen.log_severity_level = 3
    return chosen


def open_file(file: bytes | str, threads: int) -> tuple[Callable[[], object], Callable[[Any], Any]]:
    import onnxruntime

    session = onnxruntime.InferenceSession(file, options(threads), providers=["CPUExecutionProvider"])
    feed = random_feed(session)
    ((name, image),) = feed.items()

    def outputs(images: Any) -> Any:
        return session.run(None, {name: images.astype(image.dtype, copy=False)})[0]

    return partial(session.run, None, feed), outputs


def profile(file: bytes, threads: int, seconds: float, alive: Callable[[], None]) -> Iterator[tuple[str, str, float]]:
    """Yields each kernel's name, kind and median seconds by the runtime's profiler, which adds about 1 us to each."""
    for runs in zip(*kernel_runs(file, threads, seconds, alive)):
        name, kind = runs[0]["name"].replace("_kernel_time", ""), runs[0]["args"]["op_name"]
        yield name, kind, 1e-6 * statistics.median(one["dur"] for one in runs)


def kernel_runs(file: bytes, threads: int, seconds: float, alive: Callable[[], None]) -> list[list[dict[str, Any]]]:
    """The profiler's events of each inference's kernels, in execution order, in at least `seconds` of inferences."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        chosen = options(threads)
        chosen.enable_profiling, chosen.profile_file_prefix = True, f"{folder}/"
        session = onnxruntime.InferenceSession(file, chosen, providers=["CPUExecutionProvider"])
        feed, end, runs = random_feed(session), time.perf_counter() + seconds, 0
        while time.perf_counter() < end or not runs:
            session.run(None, feed)
            runs += 1
            alive()
        with open(session.end_profiling(), encoding="utf-8") as written:
            nodes = [event for event in json.load(written) if event["cat"] == "Node"]
    count = len(nodes) // runs
    return [nodes[first : first + count] for first in range(0, len(nodes), count)]


def owns(file: bytes) -> bool:
    """ONNX files have no magic number, so every file that is not LiteRT's is taken for one."""
    return file[4:8] != b"TFL3"


def interface(file: bytes, threads: int) -> tuple[list[tuple[list[Any], str]], list[list[Any]], Callable[[Any], Any]]:
    import onnxruntime

    session = onnxruntime.InferenceSession(file, options(threads), providers=["CPUExecutionProvider"])
    inputs, outputs = session.get_inputs(), session.get_outputs()
    taken = [(list(one.shape), TYPES.get(one.type, one.type)) for one in inputs]
    return taken, [list(one.shape) for one in outputs], lambda image: session.run(None, {inputs[0].name: image})[0]


def random_feed(session: Any) -> dict[str, Any]:
    """One random image as a session's input."""
    import numpy

    image, rng = session.get_inputs()[0], numpy.random.default_rng(0)
    shape = [size if isinstance(size, int) else 1 for size in image.shape]
    if TYPES.get(image.type) == "uint8":
        return {image.name: rng.integers(0, 256, shape, dtype=numpy.uint8)}
    return {image.name: rng.standard_normal(shape, dtype=numpy.float32)}
