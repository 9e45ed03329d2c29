"""python -m experiments.bench.supernet_step: a supernet's training step against a stack of `ofa`'s dynamic layers.

The space `mobile` at 32 pixels on scikit-learn's digits, batches of 128, the sandwich rule with the same networks and
weights: ours as in `experiments.train`, all four networks in one pass that shares computation; theirs network by
network, in torch's default layout and in channels_last. Each trains in its own process, one step at a time in turns.
Takes three minutes on two cores.

The learning rate is so low that 50 steps do not yet amplify rounding errors; with a higher one, even their losses in
the two layouts differ at the end.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Sequence
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import numpy as np
import torch

from experiments.bench._ofa import OfaSupernet, in_turn
from experiments.bench._published import run
from experiments.config import DataConfig
from experiments.display.progress import track
from experiments.setup.images import dataset_of
from experiments.steps.train import prepare
from experiments.store import artefacts
from search_spaces.networks.supernet import Supernet
from search_spaces.spaces.mobile import RESOLUTION, mobile
from search_spaces.training.loop import Recipe, Training, fit
from search_spaces.training.rules.sandwich import sandwich

BARS = {"ofa": 5.0, "ofa in channels_last": 2.0}  # times the peer's images per second
CLOSE = 1e-2  # of losses
STEPS, BATCH, THREADS = 50, 128, 2
OURS = "lutra"
OUTPUT = Path("experiments/runs/bench/supernet_step.json")


def main(arguments: Sequence[str]) -> None:
    peer = version("ofa")  # raises if it is not installed
    spawn = multiprocessing.get_context("spawn")
    pipes: dict[str, Connection] = {}
    for name in (OURS, *BARS):
        pipes[name], end = spawn.Pipe()
        spawn.Process(target=steps, args=(name, end), daemon=True).start()
        end.close()  # so that a process that ends early is noticed
    for pipe in pipes.values():
        pipe.recv()  # is ready
    seconds: dict[str, list[float]] = {name: [] for name in pipes}
    losses: dict[str, list[float]] = {name: [] for name in pipes}
    order = Random(0)
    for _ in track(range(STEPS), "training side by side", STEPS):
        for name in order.sample(list(pipes), len(pipes)):
            pipes[name].send("go")
            spent, loss = pipes[name].recv()
            seconds[name].append(spent)
            losses[name].append(loss)
    for pipe in pipes.values():
        pipe.send("")
    raw = {"batch": BATCH, "threads": THREADS, "seconds": seconds, "losses": losses, "ofa": peer}
    artefacts.write(OUTPUT, json.dumps(raw, indent=1) + "\n")
    print(json.dumps(claims(seconds, losses)))


def steps(name: str, pipe: Connection) -> None:
    """A process that does a step on request, and answers with its seconds and its loss."""
    if name == OURS:
        prepare(THREADS, seed=0)
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    space, data = mobile(3, RESOLUTION, 10), dataset_of(DataConfig("digits", size=RESOLUTION))
    own = Supernet(space)
    model = own if name == OURS else OfaSupernet(own)
    layout = torch.contiguous_format if name == "ofa" else torch.channels_last
    model.to(memory_format=layout)
    batches = [data.batch(step, BATCH, 0) for step in range(STEPS)]
    images = [grey.repeat(1, 3, 1, 1).contiguous(memory_format=layout) for grey, _ in batches]
    recipe = Recipe(STEPS, BATCH, learning_rate=0.001, amp=None if name == OURS else False)
    rule = (sandwich if name == OURS else in_turn)(model, space, recipe.label_smoothing, 0)  # type: ignore[arg-type]
    training = fit(Training(model, recipe), lambda step: (images[step], batches[step][1]), rule)
    pipe.send("ready")
    while pipe.recv():
        start = time.perf_counter()
        loss = next(training).loss
        pipe.send((time.perf_counter() - start, loss))


def claims(seconds: dict[str, list[float]], losses: dict[str, list[float]]) -> list[dict[str, object]]:
    spent = {name: float(np.median(each)) for name, each in seconds.items()}
    apart = max(abs(a - b) for peer in BARS for a, b in zip(losses[OURS], losses[peer], strict=True))
    speed = ", ".join(f"{name} {BATCH / each:.0f}" for name, each in spent.items())
    faster = [
        {
            "what": f"images/s in a step, times {peer} (images/s: {speed})",
            "value": spent[peer] / spent[OURS],
            "bar": bar,
            "holds": spent[peer] / spent[OURS] >= bar,
        }
        for peer, bar in BARS.items()
    ]
    close = {"what": f"largest difference of losses in {STEPS} steps (at most)", "value": apart, "bar": CLOSE}
    return [*faster, {**close, "holds": apart <= CLOSE}]


if __name__ == "__main__":
    run(main)
