"""LiteRT, formerly TensorFlow Lite: executes flatbuffers.

Its networks take images with channels last, [N, H, W, C]; this file converts from the callers' [N, C, H, W].
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

PACKAGE = "ai-edge-litert"
MODULE = "ai_edge_litert.interpreter"
SUFFIX = ".tflite"
NEWEST_FOR = {(3, 9): (2, 1)}
WHEELS = ("x86_64", "amd64", "aarch64", "arm64")
OLDEST_GLIBC = (2, 27)
BROKEN: dict[str, tuple[str, ...]] = {}


def version() -> str:
    import ai_edge_litert.interpreter

    return ai_edge_litert.__version__


@contextmanager
def quiet() -> Iterator[None]:
    """Discards what LiteRT prints on standard error: the kernels it has. Its errors are exceptions anyway."""
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def _ready(file: bytes | str, threads: int) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    given = {"model_path": file} if isinstance(file, str) else {"model_content": file}
    with quiet():
        interpreter = Interpreter(**given, num_threads=threads)
        interpreter.allocate_tensors()
    return interpreter


def open_file(file: bytes | str, threads: int) -> tuple[Callable[[], object], Callable[[Any], Any]]:
    return _functions(_ready(file, threads))


def _functions(interpreter: Any) -> tuple[Callable[[], object], Callable[[Any], Any]]:
    import numpy

    image, output = interpreter.get_input_details()[0], interpreter.get_output_details()[0]["index"]
    place, kind, rng = image["index"], image["dtype"], numpy.random.default_rng(0)
    if kind is numpy.uint8:
        random = rng.integers(0, 256, image["shape"], dtype=numpy.uint8)
    else:
        random = rng.standard_normal(image["shape"], dtype=numpy.float32)

    def answer(images: Any) -> Any:
        interpreter.set_tensor(place, images)
        interpreter.invoke()
        return interpreter.get_tensor(output)

    def outputs(images: Any) -> Any:
        last = numpy.ascontiguousarray(images.transpose(0, 2, 3, 1), dtype=kind)
        if [*last.shape] != interpreter.get_input_details()[0]["shape"].tolist():
            interpreter.resize_tensor_input(place, last.shape)
            with quiet():
                interpreter.allocate_tensors()
        found = answer(last)
        return found.transpose(0, 3, 1, 2) if found.ndim == 4 else found

    return lambda: answer(random), outputs


def profile(file: bytes, threads: int, seconds: float, alive: Callable[[], None]) -> Iterator[tuple[str, str, float]]:
    """Yields each operator's name, kind and seconds: the difference between files that end with it and before it.

    All these files are timed interleaved; seconds are medians, and zero if noise exceeds the operator's time.
    """
    model = parsed(file)
    graph, kinds = model.subgraphs[0], operator_kinds(model)
    operators, runs = list(graph.operators), []
    for last, operator in enumerate(operators):
        graph.operators, graph.outputs = operators[: last + 1], operator.outputs[:1]
        runs.append(open_file(_packed(model), threads)[0])
        alive()
    samples: list[list[float]] = [[] for _ in runs]
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not samples[0]:
        for run, own in zip(runs, samples):
            start = time.perf_counter()
            run()
            own.append(time.perf_counter() - start)
            alive()
    before = 0.0
    for operator, kind, own in zip(operators, kinds, samples):
        until = max(before, statistics.median(own))
        yield graph.tensors[operator.outputs[0]].name.decode(), kind, until - before
        before = until


def parsed(file: bytes) -> Any:
    """A file as the schema's objects."""
    from ai_edge_litert import schema_py_generated as schema

    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(file))


def operator_kinds(model: Any) -> list[str]:
    """The kind of each operator, as the schema names it."""
    from ai_edge_litert import schema_py_generated as schema

    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    return [names[model.operatorCodes[one.opcodeIndex].builtinCode] for one in model.subgraphs[0].operators]


def _packed(model: Any) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def owns(file: bytes) -> bool:
    return file[4:8] == b"TFL3"


def interface(file: bytes, threads: int) -> tuple[list[tuple[list[Any], str]], list[list[Any]], Callable[[Any], Any]]:
    interpreter = _ready(file, threads)
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    taken = [(_channels_first(one["shape"].tolist()), one["dtype"].__name__) for one in inputs]
    return taken, [one["shape"].tolist() for one in outputs], _functions(interpreter)[1]


def _channels_first(shape: list[int]) -> list[int]:
    return [shape[0], shape[3], *shape[1:3]] if len(shape) == 4 else shape
