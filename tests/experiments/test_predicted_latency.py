"""Tests the latency predicted for a file some of whose layers stay in float."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from experiments.config import Config
from experiments.setup.predicted_latency import predicted_seconds
from experiments.setup.session_step import Timed, timing
from experiments.stages.int8_record import Answers, InFloat, save
from experiments.steps.compress import Made
from experiments.store.step import Means
from predictors.tables.table import LatencyTable
from predictors.timing.slowdown import Slowdown
from search_spaces.layers import ResidualBlock
from tests.predictors.tables.simulated_table import SPACE, simulated_table

SPECS = SPACE.decode(SPACE.reference)
NOW = {"fp32": Slowdown(), "int8": Slowdown(1.5, 1e-5, 1.5)}


@pytest.fixture(scope="module")
def table() -> LatencyTable:
    return simulated_table()


def seconds(table: LatencyTable, *in_float: InFloat) -> float:
    predicted = predicted_seconds(SPECS, "int8", in_float, [(table, NOW)])
    assert predicted is not None
    return predicted


def test_layers_timed_in_float_change_the_file_as_they_did_when_they_were_timed(table: LatencyTable) -> None:
    whole = seconds(table)
    assert whole == pytest.approx(1.5 * table.latency(SPECS, "int8") + 1e-5)
    first, second = InFloat(0, "time", 100e-6, 90e-6), InFloat(1, "time", 90e-6, 81e-6)
    assert seconds(table, first) == pytest.approx(0.9 * whole)
    assert seconds(table, first, second) == pytest.approx(0.81 * whole)


def test_layers_in_float_that_were_not_timed_count_as_in_fp32(table: LatencyTable) -> None:
    accurate = InFloat(1, "accuracy")
    mixed = NOW["int8"].now(table.latency(SPECS, "int8", [1]))
    assert seconds(table, accurate) == pytest.approx(mixed)
    assert seconds(table, accurate, InFloat(0, "time", 100e-6, 90e-6)) == pytest.approx(0.9 * mixed)


def test_the_first_table_that_has_all_layers_predicts(table: LatencyTable) -> None:
    wider = (*SPECS[:-1], ResidualBlock(999, 999, 999, 3, 1, 7))
    assert predicted_seconds(wider, "int8", [], [(table, NOW)]) is None
    rows = {key: row for key, row in table.rows.items() if key[1] != SPECS[1]}
    without = dataclasses.replace(table, rows=rows)
    assert predicted_seconds(SPECS, "int8", [], [(without, {}), (table, NOW)]) == seconds(table)


def test_a_session_depends_on_the_times_of_layers_in_float(tmp_path: Path) -> None:
    """Equal files may have records with other times, which predict another latency."""
    config, folders = Config(runs=str(tmp_path / "runs")), set()
    for number, ratio in enumerate((0.9, 0.8)):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in ("int8.onnx", "network.safetensors"):
            (folder / name).write_bytes(b"the same")
        save(folder, Answers("int8", 9, 1.0, "", None, "", [InFloat(0, "time", 1.0, ratio)]))
        made = Made("quantized", folder / "int8.onnx", folder / "network.safetensors")
        step = timing(config, "benchmark", {"int8": Timed("int8", made)}, {}, "module:work")
        folders.add(step.made(Means.of(config), lambda folder: None))
    assert len(folders) == 2
