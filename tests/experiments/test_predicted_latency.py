"""Tests the latency predicted for a file some of whose layers stay in float."""

from __future__ import annotations

import dataclasses

import pytest

from experiments.setup.predicted_latency import predicted_seconds
from experiments.stages.int8_record import InFloat
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
