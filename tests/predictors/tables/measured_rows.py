"""The rows of a table that a simulated board measures."""

from __future__ import annotations

from predictors.tables.assembly import file_name, rows_of_table, timed_files
from predictors.timing.blocks import all_specs, block_specs, computing, networks_to_time
from tests.predictors.tables.simulated_table import SPACE, true_seconds

ARCHS = networks_to_time(SPACE, 5, 0)
NETWORKS = [computing(SPACE.decode(arch)) for arch in ARCHS]
BLOCKS = block_specs(SPACE)
SPECS = all_specs(BLOCKS, NETWORKS)
NAMES = [file_name(precision, index) for precision in ("fp32", "int8") for index in range(len(SPECS))]
FILES = {name: name.encode() for name in NAMES}
ROWS = rows_of_table(BLOCKS, NETWORKS, timed_files(FILES, SPECS))


def seconds_of(onnx: bytes) -> float:
    precision, index = onnx.decode().split("/")
    return true_seconds(SPECS[int(index)], precision)
