"""Checks a latency table that was not measured for this run."""

from __future__ import annotations

from itertools import product
from pathlib import Path

from experiments.config import Config
from experiments.setup.devices import passport_of
from predictors.tables.table_file import read_table
from predictors.timing.blocks import block_specs
from search_spaces.space import SearchSpace


def checked(config: Config, space: SearchSpace, path: Path) -> Path:
    """The path of a table's file. Raises LutraError if it is of another device, or lacks blocks of the space."""
    table = read_table(path)
    table.require(passport_of(config.device), config.ignore, space, config.precision)
    for precision, spec in product(table.corrections, block_specs(space)):
        table.seconds(spec, precision)  # raises LutraError if it was never measured
    return path
