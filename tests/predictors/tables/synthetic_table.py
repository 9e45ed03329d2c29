"""The table of a known board: layers add up, rounds differ in speed."""

from __future__ import annotations

import numpy as np

from predictors.tables.assembly import assemble, file_name
from predictors.tables.table import LatencyTable
from predictors.timing.blocks import all_specs, block_specs, networks_to_time
from predictors.timing.rounds import Protocol, Round
from search_spaces.costs import macs
from search_spaces.layers import Spec
from search_spaces.space import SearchSpace
from search_spaces.spaces.tiny import tiny

SPACE = tiny(1, 16, 10)
ENTRY = 3e-6  # seconds that every file of the synthetic board takes besides its layers


def true_seconds(specs: tuple[Spec, ...]) -> float:
    return ENTRY + sum(1e-6 + 1e-11 * macs((spec,)) for spec in specs)


def synthetic_table(space: SearchSpace = SPACE, noise: float = 0.0) -> LatencyTable:
    """Makes the table of a known board: layers add up, rounds differ by up to 25 % in speed, samples by `noise`."""
    rng = np.random.default_rng(0)
    archs = networks_to_time(space, 8, 0)
    blocks = block_specs(space)
    specs = all_specs(blocks, [space.decode(arch) for arch in archs])
    seconds = {file_name("fp32", i): true_seconds(s) for i, s in enumerate(specs)}
    rounds = []
    for _ in range(9):
        order, speed = list(seconds), rng.uniform(1, 1.25)
        times = tuple(float(seconds[name] * speed * np.exp(noise * rng.standard_normal())) for name in order)
        rounds.append(Round(tuple(order), times, ((),) * len(order), {}, {}))
    files = {name: name.encode() for name in seconds}
    return assemble(space, blocks, archs, specs, files, rounds, {"model": "synthetic", "threads": 1}, Protocol())
