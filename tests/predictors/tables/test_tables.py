"""Tests latency tables: their values follow from their samples, and survive their file."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from experiments.steps.report import slower_layers
from predictors.board.simulated import Disturbance
from predictors.tables.assembly import again, derive
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import dump, load
from predictors.tables.verify import problems
from predictors.timing.blocks import block_specs, computing
from predictors.timing.rounds import Round
from predictors.timing.values import Value
from search_spaces.layers import MBConv
from tests.predictors.tables.simulated_table import SPACE, simulated_table


def test_a_table_survives_its_file(table: LatencyTable, text: str) -> None:
    assert load(text) == table
    assert dump(load(text)) == text


def test_a_table_follows_from_its_raw_samples(table: LatencyTable, text: str) -> None:
    assert again(load(text)) == table
    assert problems(load(text)) == []


def test_networks_too_far_apart_still_predict_a_time_for_each(table: LatencyTable) -> None:
    """Every whole network takes ten times as long as the one before: a fit of three terms would give negative times."""
    times = {computing(SPACE.decode(row.arch)): 10.0 ** (i % 5) for i, row in enumerate(table.networks)}
    factor = {timed.name: times.get(timed.specs, 1.0) for timed in table.timed}
    rounds = [
        dataclasses.replace(one, seconds=tuple(factor[name] * s for name, s in zip(one.order, one.seconds)))
        for one in table.rounds
    ]
    blocks = list(dict.fromkeys(spec for _, spec in table.rows))
    archs = list(dict.fromkeys(row.arch for row in table.networks))
    derived = derive(SPACE, blocks, archs, table.timed, rounds, table.passport, table.protocol)
    assert all(row.held_out > 0 for row in derived.networks)
    assert any((one.intercept, one.layer) == (0, 0) and one.slope > 0 for one in derived.corrections.values())


def test_the_file_has_one_record_a_line(table: LatencyTable, text: str) -> None:
    lines = [json.loads(line.rstrip(",")) for line in text.splitlines() if line.startswith('{"before"')]
    assert len(lines) == len(table.rounds)
    assert lines[0]["seconds"] == list(table.rounds[0].seconds)


def test_rejected_samples_are_kept_with_their_reason() -> None:
    disturbed = simulated_table(Disturbance(busy=(2.0, 4.0), throttled=((6.0, 7.0, 0x4),)))
    stored = load(dump(disturbed))
    assert stored.verdict.state == "throttled"
    reasons = {rejection.reason.split(" (")[0] for rejection in stored.verdict.rejected}
    assert "throttling" in reasons
    assert any("apart" in reason for reason in reasons)
    assert stored.rounds == disturbed.rounds
    quiet, predict = simulated_table().predictor(SPACE, "fp32"), stored.predictor(SPACE, "fp32")
    assert predict(SPACE.reference) / quiet(SPACE.reference) == pytest.approx(1, rel=0.03)


def test_layers_that_int8_slows_down_are_found_and_no_others(table: LatencyTable) -> None:
    slower = [spec for spec, _, _ in table.slower_in_int8()]
    truly = [
        spec for spec in block_specs(SPACE) if isinstance(spec, MBConv) and (spec.kernel, spec.in_channels) == (5, 24)
    ]
    assert slower == truly != []


def test_the_report_counts_them_in_one_line_and_names_the_worst(table: LatencyTable) -> None:
    line = slower_layers(SPACE, table, Path("report/table.csv"))
    slower = {spec: int8.seconds / fp32.seconds for spec, fp32, int8 in table.slower_in_int8()}
    options = [spec for specs in SPACE.layers for spec in specs if spec.convs]
    count = sum(spec in slower for spec in options)
    assert f"in {count} of {len(options)} layer options" in line
    layer, option = (int(word) for word in re.findall(r"layer (\d+), option (\d+)", line)[0])
    assert slower[SPACE.layers[layer][option]] == max(slower.values())
    assert line.endswith("report/table.csv")
    assert "\n" not in line


def test_without_any_the_report_says_nothing(table: LatencyTable) -> None:
    fast = {key: dataclasses.replace(row, low=0.0) for key, row in table.rows.items()}
    assert slower_layers(SPACE, dataclasses.replace(table, rows=fast), Path("table.csv")) == ""


def test_intervals_that_overlap_are_no_warning(table: LatencyTable) -> None:
    (spec, fp32, int8), *_ = table.slower_in_int8()
    wide = {("fp32", spec): Value(fp32.seconds, fp32.low, int8.seconds)}
    assert spec not in [s for s, _, _ in dataclasses.replace(table, rows={**table.rows, **wide}).slower_in_int8()]


def test_a_layer_in_float_counts_as_in_fp32(table: LatencyTable) -> None:
    specs, slope = SPACE.decode(SPACE.reference), table.corrections["int8"].slope
    whole = table.latency(specs, "int8")
    for layer, spec in enumerate(specs):
        apart = table.seconds(spec, "fp32") - table.seconds(spec, "int8")
        assert table.latency(specs, "int8", [layer]) - whole == pytest.approx(slope * apart)
    without_fp32 = dataclasses.replace(table, rows={key: row for key, row in table.rows.items() if key[0] == "int8"})
    assert table.covers(specs, "int8", [0])
    assert without_fp32.covers(specs, "int8")
    assert not without_fp32.covers(specs, "int8", [0])


def test_networks_are_stored_as_they_were_timed(table: LatencyTable) -> None:
    timed = {item.specs for item in table.timed}
    assert all(computing(SPACE.decode(row.arch)) in timed for row in table.networks)
    assert len({item.name for item in table.timed}) == len(table.timed)
    assert all(isinstance(r, Round) for r in table.rounds)
