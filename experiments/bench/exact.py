"""python -m experiments.bench.exact: computes the exact front of all 4.5e10 networks of `mobile`, and verifies it.

Seconds are drawn around 20 GMAC/s plus a microsecond per layer; the accuracy that an option adds is drawn around the
square root of its multiply-accumulates. The front of `nasbench_macro`'s 3,969 networks is compared with enumeration. In
the worst case, accuracy follows latency, nothing dominates anything, and fronts are thinned. Takes three seconds.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.display.progress import track
from experiments.store import artefacts
from predictors.costs import LATENCY
from predictors.models.layer_costs import AdditiveCost
from search_spaces.costs import macs
from search_spaces.space import SearchSpace
from search_spaces.spaces.mobile import RESOLUTION, mobile
from search_spaces.spaces.nasbench_macro import nasbench_macro
from strategies.quality.exact import Front, exact_front
from strategies.quality.pareto import nondominated

SEEDS = 5
RATE, CALL = 2e10, 1e-6  # multiply-accumulates per second; seconds per layer
SPREAD, NOISE = (
    0.3,
    0.1,
)  # accuracy between the smallest and the largest network; relative deviation of all random numbers
LIMIT = 60.0  # seconds
SLACK = 1e-4  # fraction of the images: a hundredth of a point
OUTPUT = Path("experiments/runs/bench/exact.json")


class Made(NamedTuple):
    """One front, and the time it took."""

    seconds: float
    front: Front


def main() -> None:
    large, small = mobile(3, RESOLUTION, 10), nasbench_macro(3, RESOLUTION, 10)
    drawn: list[Made] = []
    worst: list[Made] = []
    differing = 0
    for seed in track(range(SEEDS), "exact fronts", SEEDS):
        effects, latency = separable(large, seed)
        drawn.append(timed(effects, latency, large))
        longest = latency.values * (SPREAD / latency(latency.highest))
        worst.append(timed(longest, latency, large))
        differing += apart_from_enumeration(small, seed)
    raw = {
        kind: [{"seconds": one.seconds, "points": len(one.front.scores), "slack": one.front.slack} for one in made]
        for kind, made in (("drawn", drawn), ("worst", worst))
    }
    artefacts.write(OUTPUT, json.dumps({**raw, "networks": large.size, "differing": differing}, indent=1) + "\n")
    print(json.dumps(claims(large.size, drawn, worst, differing)))


def claims(networks: int, drawn: list[Made], worst: list[Made], differing: int) -> list[dict[str, object]]:
    slack = max(one.front.slack for one in worst)
    points = [len(one.front.scores) for one in drawn]
    exact = f"exact front of {networks:.1e} networks ({min(points)} to {max(points)} of them), s, slowest of {SEEDS}"
    rows = (
        (exact, max(one.seconds for one in drawn), LIMIT),
        ("points that differ from enumeration, smaller space", float(differing), 0.0),
        ("the same where nothing dominates anything, s", max(one.seconds for one in worst), LIMIT),
        ("  and its proven bound on the accuracy lost by thinning", slack, SLACK),
    )
    return [{"what": what, "value": value, "bar": bar, "holds": value <= bar} for what, value, bar in rows]


def separable(space: SearchSpace, seed: int) -> tuple[np.ndarray, AdditiveCost]:
    """The accuracy that options add [layers, options], NaN where a layer has fewer; and their seconds."""
    rng = np.random.default_rng(seed)
    work = np.full((len(space.layers), max(space.options)), np.nan)
    for layer, options in enumerate(space.layers):
        work[layer, : len(options)] = [macs((spec,)) for spec in options]
    gains = (work / np.nanmax(work)) ** 0.5
    gains *= SPREAD / np.nanmax(gains, axis=1).sum()
    gains += NOISE * np.nanmean(gains) * rng.standard_normal(work.shape)
    seconds = np.where(work == 0, 0.0, CALL + work / RATE) * rng.lognormal(0, NOISE, work.shape)
    return gains, AdditiveCost(seconds)


def timed(effects: np.ndarray, latency: AdditiveCost, space: SearchSpace) -> Made:
    start = time.perf_counter()
    front = exact_front(effects, {LATENCY: latency}, stacks=space.stacks)
    return Made(time.perf_counter() - start, front)


def apart_from_enumeration(space: SearchSpace, seed: int) -> int:
    """The number of points (accuracy, seconds) on only one of two fronts: ours, and that of all networks."""
    effects, latency = separable(space, seed)
    archs = np.array(space.networks)
    points = np.stack([AdditiveCost(effects).of(archs), latency.of(archs)], axis=1)
    expected = points[nondominated(points[:, 0], points[:, 1:])]
    found = exact_front(effects, {LATENCY: latency}, stacks=space.stacks)
    return len({*map(tuple, expected)} ^ {*zip(found.scores, found.costs[LATENCY])})


if __name__ == "__main__":
    main()
