"""python -m experiments.bench.disturbance [seeds=10]: a busy core during the middle third, against a quiet pass.

On a simulated board, five estimators are also compared under drift and load. On this machine, a process really takes
the core that the agent runs on. Errors are means over files, relative to one common speed. Takes two minutes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from experiments.bench._estimators import ESTIMATORS, errors, ours, raw
from experiments.display.progress import console, track
from experiments.store import artefacts
from predictors.board.local_device import local
from predictors.board.simulated import Disturbance, SimulatedBoard
from predictors.timing.blocks import block_specs, in_context
from predictors.timing.rounds import Protocol, Round, judge, measure
from predictors.timing.verdict import verdict
from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.spaces.mobile import mobile

BAR = 0.03  # of a file's seconds
FOUND = 0.5  # least fraction of the disturbed rounds
FILES = 60
THIRD = 3  # rounds, of nine
PROTOCOL = Protocol()
OUTPUT = Path("experiments/runs/bench/disturbance.json")
BUSY = [sys.executable, "-c", "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"]


def length() -> float:
    """Seconds of nine undisturbed rounds, on the simulated board's clock."""
    board = simulated(Disturbance(noise=0), 0)
    nine = Protocol(min_rounds=9, max_rounds=9)
    list(measure(board, recorded(), nine))
    return board.clock


def weathers(session: float) -> dict[str, Disturbance]:
    """The disturbances under which the estimators are compared."""
    return {
        "quiet": Disturbance(),
        "ramp": Disturbance(drift="ramp", period=session),
        "step": Disturbance(drift="step", period=session),
        "periodic": Disturbance(drift="periodic", period=session / 20),
        "walk": Disturbance(drift="walk", drift_size=0.2, period=session),
        "busy third": Disturbance(outliers=0.01, busy=(session / 3, 2 * session / 3)),
    }


def recorded() -> dict[str, bytes]:
    """Files of 10 us to 1 ms; the simulated board reads the seconds from their bytes."""
    seconds = 10 ** np.random.default_rng(0).uniform(-5, -3, FILES)
    return {f"f{index:02}": repr(float(value)).encode() for index, value in enumerate(seconds)}


def simulated(disturbance: Disturbance, seed: int) -> SimulatedBoard:
    return SimulatedBoard(lambda onnx: float(onnx.decode()), disturbance, seed)


def on_simulated(seeds: int) -> tuple[dict[str, dict[str, float]], list[dict[str, float]]]:
    """Each estimator's mean error under each disturbance; per seed, error and detected fraction of the busy third."""
    session, truth = length(), {name: float(onnx) for name, onnx in recorded().items()}
    found: dict[str, dict[str, list[float]]] = {}
    busy = []
    cases = [(kind, seed) for kind in weathers(session) for seed in range(seeds)]
    for kind, seed in track(cases, "simulated sessions", len(cases)):
        rounds = list(measure(simulated(weathers(session)[kind], seed), recorded(), PROTOCOL))
        for name, estimator in ESTIMATORS.items():
            row = found.setdefault(kind, {}).setdefault(name, [])
            row.append(float(errors(estimator(rounds), truth).mean()))
        if kind == "busy third":
            quiet = ours(list(measure(simulated(Disturbance(), 1000 + seed), recorded(), PROTOCOL)))
            busy.append({"error": float(errors(ours(rounds), quiet).mean()), "found": rejected(rounds)})
    means = {kind: {name: float(np.mean(row)) for name, row in rows.items()} for kind, rows in found.items()}
    return means, busy


def rejected(rounds: Sequence[Round]) -> float:
    """The fraction of disturbed rounds in which most samples were rejected."""
    judgement = judge(rounds)
    counts = [judgement.counts[judgement.drift.round == index].mean() for index in range(THIRD, 2 * THIRD)]
    return float(np.mean([share < 0.5 for share in counts]))


def on_this_machine() -> dict[str, Any]:
    """A quiet pass, one with a busy process, and a quiet one again, all on one core."""
    specs = [in_context(spec) for spec in block_specs(mobile(3, 32, 10))][:FILES]
    files = {f"f{index}": write(network, random_weights(network)) for index, network in enumerate(specs)}
    with one_core():
        before, disturbed, after = (passed(files, busy) for busy in (False, True, False))
    told = verdict(disturbed, PROTOCOL, {name: name for name in files})
    console.print("\n".join(told.lines()), highlight=False, soft_wrap=True)
    return {
        "error": float(errors(ours(disturbed), ours(before)).mean()),
        "worst": float(errors(ours(disturbed), ours(before)).max()),
        "retest": float(errors(ours(after), ours(before)).mean()),
        "raw_error": float(errors(raw(disturbed), raw(before)).mean()),
        "found": rejected(disturbed),
        "verdict": told.lines(),
    }


def passed(files: Mapping[str, bytes], busy: bool) -> list[Round]:
    """One session; if `busy`, the middle three of nine rounds share the core with a process that never rests."""
    rounds: list[Round] = []
    process = None
    with local(threads=1) as board:
        try:
            for done in track(measure(board, files, PROTOCOL), "busy pass" if busy else "quiet pass", None):
                rounds.append(done)
                if busy and len(rounds) == THIRD:
                    process = subprocess.Popen(BUSY)
                if process and len(rounds) == 2 * THIRD:
                    process.kill()
        finally:
            if process:
                process.kill()
                process.wait()
    return rounds


@contextmanager
def one_core() -> Iterator[None]:
    """Binds this process and its children to one core, if the system supports it."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def main() -> None:
    options = dict(argument.split("=", 1) for argument in sys.argv[1:] if "=" in argument)
    means, busy = on_simulated(int(options.get("seeds", "10")))
    shown = Table("mean error, %", *ESTIMATORS)
    for kind, row in means.items():
        shown.add_row(kind, *(f"{100 * value:.2f}" for value in row.values()))
    console.print(shown)
    real = on_this_machine()
    raw_figures = {"estimators": means, "simulated": busy, "local": real}
    artefacts.write(OUTPUT, json.dumps(raw_figures, indent=1) + "\n")
    figures: dict[str, dict[str, Any]] = {
        "simulated": {key: float(np.mean([row[key] for row in busy])) for key in ("error", "found")},
        "local": real,
    }
    claims = []
    for where, figure in figures.items():
        error, found = figure["error"], figure["found"]
        what = f"busy core in the middle third, {where}"
        claims.append({"what": f"{what}: error", "value": error, "bar": BAR, "holds": error <= BAR})
        claims.append({"what": f"{what}: rounds found", "value": found, "bar": FOUND, "holds": found >= FOUND})
    print(json.dumps(claims))


if __name__ == "__main__":
    main()
