"""python -m experiments.bench.waiting: training steps while waiting threads spin for a moment, sleep, or spin on.

A step has hundreds of short parallel parts, and after each the threads wait for each other. A thread that sleeps at
once loses time by waking up; one that spins takes a core from other programs. Times steps of `mobile`'s reference
network with two threads, in a new process for each policy in turn: `experiments.SPINS`, no spinning, and OpenMP's own
policy; on a quiet machine, then while other programs keep every core busy. Takes six minutes. Only GNU's OpenMP, which
torch has on Linux, counts spins, so this runs on Linux only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median

import torch

from experiments import SPINS
from experiments.bench._compression import at_least, at_most
from experiments.bench._published import run
from experiments.bench._step_speed import OURS, noise, of_network, seconds
from experiments.bench.disturbance import BUSY
from experiments.display.progress import say, track
from experiments.steps.train import prepare
from search_spaces.errors import LutraError
from search_spaces.spaces.mobile import mobile

SPIN, SLEEP, OPENMP = "spin for a moment", "sleep at once", "wait as OpenMP chooses"
POLICIES = {SPIN: SPINS, SLEEP: 0, OPENMP: 300_000}  # spins before a thread sleeps; GNU's OpenMP chooses so many
TURNS, STEPS, BATCH, PIXELS, THREADS = 5, 6, 128, 32, 2


def main(arguments: Sequence[str]) -> None:
    if "step" in arguments:  # in a process of its own
        print(json.dumps(step_seconds()))
        return
    if sys.platform != "linux":
        raise LutraError("only GNU's OpenMP, torch's on Linux, counts spins")
    quiet = measured("a quiet machine")
    with every_core_busy():
        busy = measured("a busy machine")
    claims = [
        at_least("quiet: speed, times that of threads that sleep at once", quiet[SLEEP] / quiet[SPIN], 1.1),
        at_least("busy: speed, times that of threads that wait as OpenMP chooses", busy[OPENMP] / busy[SPIN], 1.1),
        at_most("busy: time, times that of threads that sleep at once", busy[SPIN] / busy[SLEEP], 1.5),
    ]
    print(json.dumps(claims))


def measured(where: str) -> Mapping[str, float]:
    """The seconds of a step with each policy: the median of several processes."""
    spent: dict[str, list[float]] = {name: [] for name in POLICIES}
    for _ in track(range(TURNS), where, TURNS):
        for name, spins in POLICIES.items():
            own = os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": str(spins)}
            command = [sys.executable, "-m", "experiments.bench.waiting", "step"]
            done = subprocess.run(command, env=own, check=True, stdout=subprocess.PIPE, text=True)
            spent[name].append(json.loads(done.stdout.splitlines()[-1]))
    found = {name: median(each) for name, each in spent.items()}
    say(f"{where}: {', '.join(f'threads that {name} {1e3 * one:.0f} ms' for name, one in found.items())}")
    return found


def step_seconds() -> float:
    """The median seconds of a step in this process."""
    prepare(THREADS, 0)
    space, batch = mobile(3, PIXELS, 10), noise(BATCH, PIXELS, torch.device("cpu"))
    contenders = of_network(space.decode(space.reference), batch)
    return median(seconds({OURS: contenders[OURS]}, STEPS, torch.device("cpu"))[OURS])


@contextmanager
def every_core_busy() -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(len(os.sched_getaffinity(0))):
            process = stack.enter_context(subprocess.Popen(BUSY))
            stack.callback(process.kill)
        yield


if __name__ == "__main__":
    run(main)
