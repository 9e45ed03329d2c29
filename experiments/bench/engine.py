"""python -m experiments.bench.engine [space=edge,mobile] [compiled=false]: images/s of training steps on this CPU.

Steps of the reference network and of the supernet of `edge` and `mobile` at 32 px, with batches of 128, one and two
threads, fp32 and bfloat16: ours as our commands do them, with the moving average of the weights; plain torch in
channels_last under autocast; and its torch.compile for networks, whose compilation takes minutes. A supernet's step is
always that of the same four networks, which plain torch trains one after another.

The four combinations of threads and precision run in processes of their own, where all contenders do one step at a
time in turns, and a large matrix product shows the peak: a step counts as 6 operations per multiply-accumulate and
image. Published as experiments/bench/engine.csv. Takes about 20 minutes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import cast

import torch
from torch import nn

from experiments.bench._compression import at_least
from experiments.bench._plain_torch import Plain, Step, training
from experiments.bench._published import parse, run
from experiments.bench._step_speed import OURS, PLAIN, Batch, noise, of_network, of_supernet, rows, seconds
from experiments.display.progress import say
from experiments.steps.train import prepare
from experiments.store import artefacts
from search_spaces.costs import macs
from search_spaces.errors import unknown
from search_spaces.layers import Spec
from search_spaces.spaces.edge import edge
from search_spaces.spaces.mobile import mobile

PUBLISHED = Path("experiments/bench/engine.csv")
DEFAULTS = {"space": "edge,mobile", "compiled": "true", "threads": "", "precision": ""}
SPACES = {"edge": edge, "mobile": mobile}
THREADS, PRECISIONS = (1, 2), ("fp32", "bf16")
PIXELS, BATCH, STEPS = 32, 128, 12
COMPILED, PEAK = "torch.compile", "matrix product"
SIDE = 2048  # of the matrices that are multiplied
WORK = 6  # operations per multiply-accumulate and image: 2 forward, 4 backward
CPU = torch.device("cpu")
Row = dict[str, object]


def main(arguments: Sequence[str]) -> None:
    settings = parse(arguments, DEFAULTS)
    for name in settings["space"].split(","):
        if name not in SPACES:
            raise unknown("space", name, SPACES)
    if settings["threads"]:  # in a process of its own
        print(json.dumps(measured(settings, int(settings["threads"]), settings["precision"])))
        return
    found: list[Row] = []
    for threads in THREADS:
        for precision in PRECISIONS:
            say(f"{threads} thread(s), {precision}")
            asked = [*arguments, f"threads={threads}", f"precision={precision}"]
            command = [sys.executable, "-m", "experiments.bench.engine", *asked]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found += json.loads(done.stdout.strip().splitlines()[-1])
    artefacts.write_csv(PUBLISHED, found)
    print(json.dumps(claims(found)))


def measured(settings: Mapping[str, str], threads: int, precision: str) -> list[Row]:
    """A row for each network and supernet, and each contender, with its share of the peak."""
    prepare(threads, 0)
    amp, batch, found = precision == "bf16", noise(BATCH, PIXELS, CPU), list[Row]()
    for name in settings["space"].split(","):
        space = SPACES[name](3, PIXELS, 10)
        specs = [spec for spec in space.decode(space.reference) if spec.convs]
        contenders = of_network(specs, batch, amp) | {PEAK: product(amp)}
        if settings["compiled"] == "true":
            contenders |= compiled(specs, batch, amp)
        spent = seconds(contenders, STEPS, CPU)
        peak = 2 * SIDE**3 / median(spent.pop(PEAK))
        each = WORK * macs(specs) / peak
        found += [
            row | {"share_of_peak": each * _rate(row), "gflops_peak": 1e-9 * peak}
            for row in rows(f"{name}'s reference", spent, BATCH)
        ]
        steps = seconds(of_supernet(space, batch, amp), STEPS, CPU)
        found += [row | {"share_of_peak": "", "gflops_peak": ""} for row in rows(f"{name}'s supernet", steps, BATCH)]
    return [{"threads": threads, "precision": precision, **row} for row in found]


def product(amp: bool) -> Step:
    """A product of two large matrices in the precision of the steps."""
    kind = torch.bfloat16 if amp else torch.float32
    a, b = (torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(seed)).to(kind) for seed in (0, 1))
    return lambda: float((a @ b)[0, 0])


def compiled(specs: Sequence[Spec], batch: Batch, amp: bool) -> dict[str, Step]:
    """The plain network's step with the network compiled; empty, with a line, if it cannot be."""
    network = cast(nn.Module, torch.compile(Plain(specs)))
    try:
        step = training([network], *batch, amp)
        step()
    except Exception as error:  # a missing compiler, or what torch cannot compile: many types
        say(f"torch.compile failed, and is left out: {' '.join(str(error).split())[:200]}")
        return {}
    return {COMPILED: step}


def claims(found: Sequence[Row]) -> list[dict[str, object]]:
    """Bars for the network of `edge`, with two threads and bfloat16; every other ratio is shown."""
    rates = {tuple(row[key] for key in ("what", "threads", "precision", "contender")): row for row in found}
    made: list[dict[str, object]] = []
    for (what, threads, precision, other), row in rates.items():
        chosen = (what, threads, precision) == ("edge's reference", THREADS[-1], PRECISIONS[-1])
        title = f"{what}, {threads} thread(s), {precision}"
        if other != OURS:
            ours = rates[what, threads, precision, OURS]
            bar = 1.3 if chosen and other == PLAIN else None
            made.append(claim(f"{title}: images/s, times {other}'s", _rate(ours) / _rate(row), bar))
        elif row["share_of_peak"] != "":
            share, what = float(str(row["share_of_peak"])), f"{title}: share of the peak, {_rate(row):.0f} images/s"
            made.append(claim(what, share, 0.3 if chosen else None))
    return made


def claim(what: str, value: float, bar: float | None) -> dict[str, object]:
    return {"what": what, "value": value} if bar is None else at_least(what, value, bar)


def _rate(row: Row) -> float:
    return float(str(row["images_per_s"]))


if __name__ == "__main__":
    run(main)
