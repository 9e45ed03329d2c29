"""Tests rows of a table: their error includes their contexts', rounds go on until they are known, none is lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from omegaconf import OmegaConf

from experiments.config import MeasureConfig
from predictors.board.simulated import Disturbance, SimulatedBoard
from predictors.tables.assembly import assemble
from predictors.tables.table import LatencyTable
from predictors.timing.rounds import Protocol, Round, measure, summarize
from predictors.timing.values import Row, Value, combined
from predictors.timing.verdict import verdict
from search_spaces.errors import LutraError
from tests.commands import ROOT
from tests.predictors.tables.measured_rows import ARCHS, BLOCKS, FILES, ROWS, SPECS, seconds_of
from tests.predictors.tables.simulated_table import PASSPORT, SPACE


def board(disturbance: Disturbance, seed: int = 0) -> SimulatedBoard:
    return SimulatedBoard(seconds_of, disturbance, seed, PASSPORT)


def table_of(rounds: list[Round], protocol: Protocol) -> LatencyTable:
    return assemble(SPACE, BLOCKS, ARCHS, SPECS, FILES, rounds, {**PASSPORT, "threads": 1}, protocol)


def test_the_error_of_a_row_is_that_of_a_sum_of_independent_files() -> None:
    rng = np.random.default_rng(0)
    half = {"block": 2.0, "before": 1.0, "after": 3.0}  # half widths of 95 % intervals
    weights = {"block": 1.0, "before": -0.5, "after": -0.5}
    sums = sum(weights[name] * rng.normal(100, width / 1.96, 100_000) for name, width in half.items())
    value = combined(weights, {name: Value(100, 100 - width, 100 + width) for name, width in half.items()})
    assert value.seconds == 0
    assert value.half_width == pytest.approx(1.96 * float(np.std(sums)), rel=0.02)
    skewed = combined({"a": 1.0, "b": -0.5}, {"a": Value(10, 9, 10), "b": Value(4, 4, 8)})
    assert (skewed.low, skewed.high) == pytest.approx((8 - np.hypot(1, 2), 8))


def test_intervals_of_rows_hold_the_truth_as_often_as_they_say() -> None:
    held = []
    for seed in range(4):
        rounds = list(measure(board(Disturbance(), seed), FILES, Protocol(min_rounds=12, max_rounds=12), rows=ROWS))
        values, truth = summarize(rounds), {name: Value(seconds_of(FILES[name]), 0, 0) for name in FILES}
        for row in ROWS.values():
            found, true = row.value(values), sum(part * truth[name].seconds for name, part in row.weights.items())
            held.append(found.low <= true <= found.high)
    assert np.mean(held) > 0.9


def test_rounds_go_on_until_rows_are_known_not_files() -> None:
    """After 9 rounds every file is known within 2 %, but not layers that are a small difference of two files."""
    loose = Protocol(max_rounds=60)
    by_file = list(measure(board(Disturbance()), FILES, loose))
    by_row = list(measure(board(Disturbance()), FILES, replace(loose, within=0.015), rows=ROWS))
    assert len(by_file) < len(by_row) < 60
    values = summarize(by_row)
    assert max(row.error(values) for row in ROWS.values()) <= 0.015
    assert "all 46 rows are known within 1.5 %" in table_of(by_row, replace(loose, within=0.015)).verdict.reasons[0]


def test_the_verdict_counts_the_rows_that_the_table_holds() -> None:
    """The count can be repeated from the intervals in the table."""
    protocol = Protocol(min_rounds=9, max_rounds=9, within=0.002)
    table = table_of(list(measure(board(Disturbance()), FILES, protocol, rows=ROWS)), protocol)
    assert table.verdict.state == "noisy"
    values = summarize(table.rounds)
    unknown = sum(row.error(values) > 0.002 for row in ROWS.values())
    assert f"{unknown} of 46 rows are not yet known well enough" in table.verdict.reasons[-1]
    for (precision, spec), value in table.rows.items():
        whole = next(item.name for item in table.timed if item.precision == precision and spec in item.specs)
        assert value.relative_half_width > 0
        assert value.half_width >= ROWS[whole].value(values).half_width or len(ROWS[whole].weights) == 1


def test_a_cheap_layer_is_known_where_the_network_is() -> None:
    row = Row({"a": 1.0, "b": -1.0}, {"network": 0.5})
    known = {"a": Value(11, 10.9, 11.1), "b": Value(10, 9.9, 10.1), "network": Value(20, 20, 20)}
    assert row.error(known) == pytest.approx(0.1 * np.sqrt(2) / 10)
    assert Row(row.weights).error(known) == pytest.approx(0.1 * np.sqrt(2))


def test_a_row_that_is_not_above_zero_is_asked_again_and_named_and_nothing_is_lost() -> None:
    """Its network takes less time than its contexts, in all rounds or only in the first nine."""
    spec = BLOCKS[3]
    odd = {
        name for name, row in ROWS.items() if name.startswith("fp32") and spec in SPECS[int(name.split("/")[1])][1:2]
    }
    (odd_one,) = [name for name in odd if len(SPECS[int(name.split("/")[1])]) == 3]

    class Odd(SimulatedBoard):
        rounds = 0

        def _slowness(self, name: str) -> float:
            return super()._slowness(name) * (0.3 if name == odd_one and self.rounds <= self.wrong else 1)

        def round(self, *arguments: object, **named: object) -> dict:
            self.rounds += 1
            return super().round(*arguments, **named)  # type: ignore[arg-type]

    def rounds_of(wrong: int, cap: int) -> list[Round]:
        own = Odd(seconds_of, Disturbance(noise=0.001), 0, PASSPORT)
        own.wrong = wrong  # type: ignore[attr-defined]
        return list(measure(own, FILES, Protocol(max_rounds=cap), rows=ROWS))

    bad = rounds_of(99, 15)
    assert len(bad) == 15
    assert all({*ROWS[odd_one].weights} <= {*one.order} for one in bad)
    with pytest.raises(LutraError) as caught:
        table_of(bad, Protocol())
    assert str(spec) in str(caught.value)
    assert "all rounds are kept" in str(caught.value)
    assert "measure.max_rounds" in str(caught.value)
    assert "\n" not in str(caught.value)
    told = verdict(bad, Protocol(), {name: name for name in ROWS}, ROWS).reasons
    assert any(odd_one in reason and "not above zero" in reason for reason in told)
    mended = table_of(rounds_of(9, 24), Protocol())
    assert mended.rows["fp32", spec].seconds > 0
    assert "two speeds" in mended.verdict.reasons[0]


SMOKE = MeasureConfig(**OmegaConf.load(ROOT / "hydra_conf" / "experiment" / "smoke.yaml").measure)


@pytest.mark.parametrize("seed", range(3))
def test_a_smoke_run_measures_until_every_row_is_above_zero_and_no_longer(seed: int) -> None:
    """However disturbed the machine is; after three rounds, a layer may seem to take less than no time."""
    rounds = list(measure(board(Disturbance(noise=0.2, outliers=0.2), seed), FILES, SMOKE, rows=ROWS))
    assert len(rounds) < SMOKE.max_rounds
    table = table_of(rounds, SMOKE)
    assert table.verdict.state == "noisy"
    assert all(value.seconds > 0 for value in table.rows.values())
    with pytest.raises(LutraError, match="which is impossible"):
        table_of(rounds[:3], SMOKE)
    assert len(list(measure(board(Disturbance(), seed), FILES, SMOKE, rows=ROWS))) == 3
