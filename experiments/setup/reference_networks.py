"""Reference workloads: networks of a table that are timed again with other files, to measure the machine's speed."""

from __future__ import annotations

from experiments.steps.measure import timing_files
from predictors.board.fingerprint import runtime_of
from predictors.tables.assembly import file_name
from predictors.tables.table import LatencyTable
from predictors.timing.blocks import computing
from search_spaces.space import SearchSpace

NETWORKS = 4  # the reference, the largest, the smallest, and one more


def reference_networks(
    table: LatencyTable, count: int = NETWORKS, label: str = "reference"
) -> tuple[dict[str, bytes], dict[str, dict[str, float]]]:
    """Files of some networks that were timed for the table, and the seconds that each took then, by precision."""
    space = SearchSpace(table.space, table.layers, table.reference)
    archs = list(dict.fromkeys(row.arch for row in table.networks))[:count]
    written = dict(timing_files([computing(space.decode(arch)) for arch in archs], runtime_of(table.passport)))
    files: dict[str, bytes] = {}
    then: dict[str, dict[str, float]] = {}
    for row in table.networks:
        if row.arch in archs:
            name = file_name(row.precision, archs.index(row.arch))
            files[f"{label} {name}"] = written[name]
            then.setdefault(row.precision, {})[f"{label} {name}"] = row.measured
    return files, then
