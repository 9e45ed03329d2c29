"""The agent with a second clock: onnxruntime's profile, which times every kernel.

The request `clocks` names the files that the profile times, and which of their kernels count: those BETWEEN the
convolutions of the context, BEFORE its only one, or AFTER it. A sample is the total time of these kernels, as the
interquartile mean over inferences, because the profile has a resolution of one microsecond per kernel. A session can be
profiled only once, so each sample opens a new one.
"""

from __future__ import annotations

import base64
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from predictors import agent
from predictors.agent.runtimes.onnxruntime import kernel_runs

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
        self.parts: dict[str, str] = {}  # file's name -> the kernels that count
        self.profiled: dict[str, tuple[bytes, int]] = {}  # file's name -> file and threads

    def requests(self) -> dict[str, Callable[..., dict[str, Any]]]:
        return {**super().requests(), "clocks": self.clocks}

    def clocks(self, parts: dict[str, str]) -> dict[str, Any]:
        """Chooses which of the files loaded from now on are timed by the profile."""
        self.parts = dict(parts)
        return {}

    def load(self, name: str, runtime: str, file: str, sha256: str, threads: int) -> dict[str, Any]:
        if name in self.parts:
            self.profiled[name] = (base64.b64decode(file), threads)
        return super().load(name, runtime, file, sha256, threads)

    def sample(self, name: str, seconds: float, each: bool) -> tuple[float, list[float]]:
        if name not in self.profiled or not seconds:
            return super().sample(name, seconds, each)
        runs = kernel_runs(*self.profiled[name], seconds, self.link.alive)
        counted = kernels(self.parts[name], [kernel["args"]["op_name"] for kernel in runs[0]])
        micros = sorted(sum(kernel["dur"] for kernel in run[counted]) for run in runs)
        return 1e-6 * statistics.fmean(micros[len(runs) // 4 : len(runs) - len(runs) // 4]), []


if __name__ == "__main__":
    agent.main(Profiler)
