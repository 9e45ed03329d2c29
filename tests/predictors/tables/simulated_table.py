"""A latency table of the tiny space, measured on a simulated board, and its text."""

from __future__ import annotations

import hashlib
import json
from functools import cache

import pytest

from predictors.board.simulated import Disturbance, SimulatedBoard
from predictors.tables.assembly import assemble, file_name, rows_of_table, timed_files
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import SEAL, dump, load
from predictors.timing.blocks import all_specs, block_specs, computing, networks_to_time
from predictors.timing.rounds import Protocol, measure
from search_spaces.costs import macs
from search_spaces.errors import LutraError
from search_spaces.layers import MBConv, Spec
from search_spaces.space import SearchSpace
from search_spaces.spaces.tiny import tiny

SPACE = tiny(1, 16, 10)
QUIET = Disturbance()
PASSPORT = {
    "model": "Raspberry Pi 5 Model B Rev 1.0",
    "cpu": "Cortex-A76",
    "machine": "aarch64",
    "cores": "0-3",
    "quota": "none",
    "clock_max_khz": "2400000",
    "clock_cap_khz": "2400000",
    "governor": "performance",
    "turbo": None,
    "power": "mains",
    "onnxruntime": "1.24.1",
    "kernel": "6.12.34",
}


def true_seconds(specs: tuple[Spec, ...], precision: str) -> float:
    """INT8 halves the time of arithmetic, but some layers lose: k5 in the third layer takes longer."""
    arithmetic = sum(1e-11 * macs((spec,)) for spec in specs)
    lost = sum(2e-5 for spec in specs if isinstance(spec, MBConv) and (spec.kernel, spec.in_channels) == (5, 24))
    return 1e-5 + 1e-6 * len(specs) + (arithmetic if precision == "fp32" else arithmetic / 2 + lost)


@cache
def simulated_table(disturbance: Disturbance = QUIET, seed: int = 0, space: SearchSpace = SPACE) -> LatencyTable:
    """Measures the table of the tiny space on a simulated board."""
    archs = networks_to_time(space, 5, 0)
    blocks = block_specs(space)
    specs = all_specs(blocks, [space.decode(arch) for arch in archs])
    named = {file_name(precision, i): (s, precision) for precision in ("fp32", "int8") for i, s in enumerate(specs)}
    files = {name: name.encode() for name in named}
    board = SimulatedBoard(lambda onnx: true_seconds(*named[onnx.decode()]), disturbance, seed, PASSPORT)
    rows = rows_of_table(blocks, [computing(space.decode(arch)) for arch in archs], timed_files(files, specs))
    rounds = list(measure(board, files, Protocol(), rows=rows))
    return assemble(space, blocks, archs, specs, files, rounds, board.passport, Protocol())


@cache
def text_of_table() -> str:
    return dump(simulated_table())


def body(content: dict[str, object]) -> str:
    """Returns a table's text without its seal, formatted as by `dump`."""

    def lines(value: object) -> str:
        return "[\n" + ",\n".join(map(json.dumps, value)) + "\n]" if isinstance(value, list) else json.dumps(value)

    listed = {key: value for key, value in content.items() if key not in ("reference", "sha256")}
    texts = {key: lines(value) for key, value in listed.items()}
    texts |= {"reference": json.dumps(content["reference"])} if "reference" in content else {}
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {texts[key]}" for key in content if key in texts)


def sealed(content: dict[str, object]) -> str:
    """Returns a table's text with a valid seal, whatever its content."""
    return f'{body(content)}{SEAL}{hashlib.sha256(body(content).encode()).hexdigest()}"\n}}\n'


def places(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Returns the paths to all values in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in items for place in [(*path, key), *places(item, (*path, key))]]


@cache
def places_of_table() -> list[tuple[object, ...]]:
    return places(json.loads(text_of_table()))


def refused(changed: str) -> None:
    with pytest.raises(LutraError) as caught:
        load(changed)
    assert "\n" not in str(caught.value)


def swapped() -> SearchSpace:
    return SearchSpace("tiny", (*SPACE.layers[:2], SPACE.layers[2][::-1], *SPACE.layers[3:]), SPACE.reference)
