"""The agent with a second clock: onnxruntime's profile, which times every kernel.

A file whose name begins with BETWEEN, BEFORE or AFTER is timed by the profile: a sample is the total time of the
kernels between the convolutions of the context. The profile's resolution is one microsecond per kernel. A session can
be profiled only once, so each sample opens a new one.
"""

from __future__ import annotations

import base64
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime

from predictors import agent
from predictors.agent.runtimes.onnxruntime import random_feed
from search_spaces.documents import read_json

BETWEEN, BEFORE, AFTER = PARTS = ("profile between", "profile before", "profile after")  # the context's convolutions


def kernels(part: str, operators: Sequence[str]) -> slice:
    """The slice of kernels that belong to the block, given the operators in execution order.

    Kernels before the first convolution or after the last belong to the session's entry and exit.
    """
    convolutions = [index for index, operator in enumerate(operators) if "Conv" in operator]
    return slice(0 if part == BEFORE else convolutions[0] + 1, None if part == AFTER else convolutions[-1])


class Profiler(agent.Board):
    """A board whose files may be timed with either clock."""

    def __init__(self, link: agent.Link) -> None:
        super().__init__(link)
        self.profiled: dict[str, tuple[bytes, int]] = {}  # name -> file and threads

    def load(self, name: str, runtime: str, file: str, sha256: str, threads: int) -> dict[str, Any]:
        if name.startswith(PARTS):
            self.profiled[name] = (base64.b64decode(file), threads)
        return super().load(name, runtime, file, sha256, threads)

    def sample(self, name: str, seconds: float, each: bool) -> tuple[float, list[float]]:
        if name not in self.profiled or not seconds:
            return super().sample(name, seconds, each)
        part, onnx, threads = name.split("/")[0], *self.profiled[name]
        with tempfile.TemporaryDirectory() as folder:
            options = agent.options(threads)
            options.enable_profiling, options.profile_file_prefix = True, f"{folder}/"
            session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
            feed, end = random_feed(session), time.perf_counter() + seconds
            while time.perf_counter() < end:
                session.run(None, feed)
            events = read_json(session.end_profiling(), "profile", list)
        return _middle(part, events), []


def _middle(part: str, events: Sequence[dict[str, Any]]) -> float:
    """The block's seconds: the interquartile mean over runs, because single times are whole microseconds."""
    runs = sum(event["name"] == "model_run" for event in events)
    nodes = [event for event in events if event["cat"] == "Node"]
    operators = [node["args"]["op_name"] for node in nodes[: len(nodes) // runs]]
    micros = np.array([node["dur"] for node in nodes], float).reshape(runs, -1)[:, kernels(part, operators)].sum(1)
    return 1e-6 * float(np.sort(micros)[runs // 4 : runs - runs // 4].mean())


if __name__ == "__main__":
    agent.main(Profiler)
