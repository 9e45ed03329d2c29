"""A latency table of a board that nobody has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from predictors.board.fingerprint import PRECISIONS
from predictors.tables.assembly import assemble, file_name
from predictors.tables.table import LatencyTable
from predictors.timing.blocks import all_specs, block_specs, networks_to_time
from predictors.timing.rounds import Protocol, Round
from search_spaces.costs import macs
from search_spaces.space import SearchSpace


def made_up_table(space: SearchSpace, passport: Mapping[str, Any]) -> LatencyTable:
    """Makes the table of a board that takes 1 ps per multiply-accumulate and 1 us for a layer or a file."""
    archs, blocks = networks_to_time(space, 4, 0), block_specs(space)
    specs = all_specs(blocks, [space.decode(arch) for arch in archs])
    names = [(file_name(precision, index), network) for precision in PRECISIONS for index, network in enumerate(specs)]
    seconds = {name: 1e-6 * (1 + len(network)) + 1e-12 * macs(network) for name, network in names}
    one_round = Round(tuple(seconds), tuple(seconds.values()), ((),) * len(seconds), {}, {})
    files = {name: name.encode() for name in seconds}
    return assemble(space, blocks, archs, specs, files, [one_round] * 3, passport, Protocol(min_rounds=3))
