"""How fast the machine is now, against when its table was measured: some of the table's networks are timed again."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from experiments.measure import timing_files
from predictors.assembly import file_name
from predictors.blocks import computing
from predictors.correction import Correction, fit
from predictors.rounds import Value
from predictors.table import LatencyTable
from search_spaces.space import SearchSpace

NETWORKS = 4  # networks


def reference_networks(
    table: LatencyTable, count: int = NETWORKS, label: str = "reference"
) -> tuple[dict[str, bytes], dict[str, float]]:
    """Files of some networks that the table timed, and the seconds they took then."""
    space = SearchSpace(table.space, table.layers, table.reference)
    archs = list(dict.fromkeys(row.arch for row in table.networks))[:count]
    then = {
        file_name(row.precision, archs.index(row.arch)): row.measured for row in table.networks if row.arch in archs
    }
    files = dict(timing_files([computing(space.decode(arch)) for arch in archs]))
    names = {name: f"{label} {name}" for name in then}
    return {names[name]: files[name] for name in then}, {names[name]: seconds for name, seconds in then.items()}


def slowdown(values: Mapping[str, Value], then: Mapping[str, float]) -> float:
    """How much longer everything takes than when the table was measured (1.1: 10 % longer)."""
    return float(np.median([values[name].seconds / seconds for name, seconds in then.items()]))


def to_the_tables_time(values: Mapping[str, Value], then: Mapping[str, float], precision: str) -> Correction:
    """From seconds of now to seconds of when the table was measured, by all reference networks of one precision.

    Precisions do not slow down alike, nor do large networks and small ones.
    """
    names = [name for name in then if f" {precision}/" in name]
    return fit(np.array([values[name].seconds for name in names]), np.array([then[name] for name in names]))
