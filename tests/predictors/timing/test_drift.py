"""Tests that drift, load and outliers move no value, and are reported."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictors.board.simulated import DRIFTS, Disturbance
from predictors.timing.drift import estimate_drift
from predictors.timing.judgement import judge
from predictors.timing.rounds import Protocol, Round, summarize
from predictors.timing.verdict import quietness
from tests.predictors.timing.simulated_sessions import LENGTH, apart, judged, session, truth


@given(st.sampled_from([*DRIFTS, "walk"]), st.floats(0, 0.1), st.floats(LENGTH / 3, 4 * LENGTH), st.integers(0, 2**32))
@settings(max_examples=25)
def test_drift_of_any_shape_moves_few_values_by_a_percent_and_none_by_two(
    drift: str, size: float, period: float, seed: int
) -> None:
    calm = summarize(session(Disturbance(), seed))
    drifting = summarize(session(Disturbance(drift=drift, drift_size=size, period=period), seed))
    assert np.quantile(apart(drifting, calm), 0.9) < 0.01
    assert apart(drifting, calm).max() < 0.02


def test_drift_that_is_too_fast_to_follow_is_found() -> None:
    rounds = session(Disturbance(drift="periodic", drift_size=0.1, period=0.1))
    told = judged(rounds)
    assert told.state == "noisy"
    assert "neighbouring samples lie" in told.reasons[0]
    assert quietness(judge(rounds)) > 0.03 > quietness(judge(session(Disturbance())))


@pytest.mark.parametrize("seed", range(4))
def test_a_busy_core_in_the_middle_third_is_found_and_measured_again(seed: int) -> None:
    disturbance = Disturbance(outliers=0.01, busy=(LENGTH / 3, 2 * LENGTH / 3))
    rounds = session(disturbance, seed, Protocol())
    assert apart(summarize(rounds), truth()).max() < 0.03
    assert len(rounds) > len(session(Disturbance(), seed, Protocol()))
    told = judged(rounds, Protocol())
    assert told.state == "noisy"
    assert {3, 4} <= {rejection.round for rejection in told.rejected} <= {2, 3, 4, 5, 6}
    assert all("apart" in rejection.reason for rejection in told.rejected)


def test_a_load_that_comes_within_a_round_costs_only_the_samples_it_touched() -> None:
    disturbance = Disturbance(busy=(0.3, 0.9))
    judgement = judge(session(disturbance))
    first = judgement.drift.round == 0
    assert 0.3 < judgement.counts[first].mean() < 0.8
    assert judgement.counts[~first].all()


@pytest.mark.parametrize("share", [0.02, 0.05])
def test_single_outliers_move_nothing(share: float) -> None:
    assert apart(summarize(session(Disturbance(outliers=share))), truth()).mean() < 0.006


@given(st.integers(0, 2**32), st.floats(1.05, 3))
@settings(max_examples=30)
def test_a_common_slowdown_moves_no_value_against_another(seed: int, slow: float) -> None:
    """Half of the files are finished after nine rounds; from the sixth round on the machine is slower."""
    rng = np.random.default_rng(seed)
    names = [f"f{i}" for i in range(12)]
    base = rng.uniform(1e-5, 1e-3, 12)
    counts = [12] * 9 + [6] * 6
    rounds = [(names[:count], base[:count] * np.exp(0.01 * rng.standard_normal(count))) for count in counts]
    disturbed = [(order, times * (slow if index >= 5 else 1)) for index, (order, times) in enumerate(rounds)]
    calm, hurried = (summarize([plain(*r) for r in kind]) for kind in (rounds, disturbed))
    ratios = [hurried[name].seconds / calm[name].seconds for name in names]
    middle = np.median(ratios)  # of ten rounds, where five are too slow to count
    assert ratios == pytest.approx([middle] * 12, rel=0.0125)
    p = estimate_drift(disturbed, np.ones(144, bool))
    assert math.exp(p.speed[p.round == 7][0] - p.speed[p.round == 1][0]) == pytest.approx(slow, rel=0.05)


def plain(order: Iterable[str], seconds: Iterable[float]) -> Round:
    return Round(tuple(order), tuple(seconds), (), {}, {})


def test_the_interval_holds_the_median_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(20):
        logs = 0.01 * rng.standard_normal((15, 100))
        values = summarize([plain(map(str, range(100)), np.exp(row)) for row in logs])
        hits += sum(value.low <= 1 <= value.high for value in values.values())
    assert 0.90 < hits / 2000 < 0.99
