"""python -m experiments.bench.measuring: the time that a latency table, and a block's file, take.

The whole command for all options of `mobile` at 32 px, in fp32 and INT8, with 24 networks, on this machine, one thread;
and writing each block's fp32 ONNX file, with and without drawing its random weights. Takes 2 to 5 minutes.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.bench._published import run
from experiments.store import artefacts
from predictors.tables.table_file import read_table
from predictors.timing.blocks import block_specs
from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.spaces.mobile import RESOLUTION, mobile

TABLE_BAR = 300.0  # seconds
BLOCK_BAR = 10.0  # milliseconds
NETWORKS = 24
REPEATS = 20
COMMAND = ("experiments.measure", "space=mobile", "data=cifar10", "device=local", f"measure.networks={NETWORKS}")


def main(_: Sequence[str]) -> None:
    blocks = writing()
    table = measuring()
    artefacts.write(Path("experiments/runs/bench/measuring.json"), json.dumps({**table, **blocks}, indent=1) + "\n")
    milliseconds = 1e3 * statistics.median(blocks["draw_and_write_s"])
    print(
        json.dumps(
            [
                claim(f"table of mobile, fp32 and INT8, {NETWORKS} networks: seconds", table["seconds"], TABLE_BAR),
                claim("fp32 ONNX of one block of mobile, weights drawn: milliseconds", milliseconds, BLOCK_BAR),
            ]
        )
    )


def claim(what: str, value: float, bar: float) -> dict[str, object]:
    return {"what": what, "value": value, "bar": bar, "holds": value <= bar}


def measuring() -> dict[str, Any]:
    """The command's wall seconds, including the start of Python, and what it made."""
    with tempfile.TemporaryDirectory() as runs:
        start = time.monotonic()
        subprocess.run([sys.executable, "-m", *COMMAND, f"runs={runs}"], check=True, stdout=sys.stderr)
        seconds = time.monotonic() - start
        (path,) = Path(runs).glob("measure/*/table.json")
        table = read_table(path)
    made = {"files": len(table.timed), "rounds": len(table.rounds), "verdict": table.verdict.lines()}
    return {"seconds": seconds, "passport": dict(table.passport), **made}


def writing() -> dict[str, list[float]]:
    """Median seconds for each block of the space, in turns: writing only, and drawing the weights too."""
    blocks = [(spec,) for spec in block_specs(mobile(3, RESOLUTION, 10))]
    drawn = [random_weights(block) for block in blocks]
    alone: list[list[float]] = [[] for _ in blocks]
    both: list[list[float]] = [[] for _ in blocks]
    for _ in range(REPEATS):
        for index, block in enumerate(blocks):
            start = time.perf_counter()
            write(block, drawn[index])
            between = time.perf_counter()
            write(block, random_weights(block))
            alone[index].append(between - start)
            both[index].append(time.perf_counter() - between)
    return {"write_s": [*map(statistics.median, alone)], "draw_and_write_s": [*map(statistics.median, both)]}


if __name__ == "__main__":
    run(main)
