"""Tests measuring on a simulated board: disturbances change no value, and are reported."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictors.board.device_pool import merged
from predictors.board.local_device import local
from predictors.board.resumable import resumable
from predictors.board.simulated import DRIFTS, Disturbance, SimulatedBoard
from predictors.timing import health
from predictors.timing.drift import estimate_drift
from predictors.timing.judgement import judge
from predictors.timing.rounds import Protocol, Round, interleaved, measure, open_rows, reference_files, summarize
from predictors.timing.values import Value, rows_of
from predictors.timing.verdict import Verdict, quietness, verdict
from search_spaces.layers import MBConv
from search_spaces.networks.onnx_writer import random_weights, write

NINE = Protocol(min_rounds=9, max_rounds=9)
LENGTH = 14.0  # seconds of an undisturbed session of 60 files


def files(count: int = 60) -> dict[str, bytes]:
    """Returns files of 10 us to 1 ms; their content is the latency in seconds, which the simulated board reads."""
    seconds = 10 ** np.random.default_rng(0).uniform(-5, -3, count)
    return {f"f{index:02}": repr(float(value)).encode() for index, value in enumerate(seconds)}


def board_in(disturbance: Disturbance, seed: int = 0) -> SimulatedBoard:
    return SimulatedBoard(lambda onnx: float(onnx.decode()), disturbance, seed)


def session(disturbance: Disturbance, seed: int = 0, protocol: Protocol = NINE, count: int = 60) -> list[Round]:
    return list(measure(board_in(disturbance, seed), files(count), protocol))


def judged(rounds: list[Round], protocol: Protocol = NINE) -> Verdict:
    return verdict(rounds, protocol, {name: name for name in files()})


def apart(values: Mapping[str, Value], others: Mapping[str, Value]) -> np.ndarray:
    """Returns relative differences, up to one common speed."""
    logs = np.log([values[name].seconds / others[name].seconds for name in values])
    return np.abs(logs - np.median(logs))


def truth() -> dict[str, Value]:
    return {name: Value(float(onnx), 0, 0) for name, onnx in files().items()}


# Drift and load


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


def test_a_quiet_session_is_clean_and_says_how_well_it_knows() -> None:
    rounds = session(Disturbance(), protocol=Protocol())
    told = judged(rounds, Protocol())
    assert (told.state, told.rejected, told.unknown) == ("clean", (), ())
    assert told.lines() == ["clean: all 60 files are known within 2 %"]
    assert open_rows(rows_of(files()), judge(rounds), Protocol()) == ()


def test_files_that_the_cap_leaves_open_are_named_the_worst_first() -> None:
    strict = replace(NINE, within=0.001)
    told = judged(session(Disturbance()), strict)
    assert told.state == "noisy"
    assert "60 of 60 files are not yet known well enough: f" in told.reasons[-1]
    assert told.reasons[-1].endswith("and 55 more")


# The board's state


@pytest.mark.parametrize("bits", [0, 1, 2, 4, 8, 6, 15])
def test_a_throttled_round_is_rejected_and_named(bits: int) -> None:
    rounds = session(Disturbance(throttled=((3.0, 5.0, bits),)), protocol=Protocol())
    told, names = judged(rounds, Protocol()), [name for bit, name in enumerate(health.LIVE) if bits >> bit & 1]
    assert apart(summarize(rounds), truth()).max() < 0.02
    if bits == 0:
        assert (told.state, told.rejected) == ("clean", ())
        return
    assert told.state == "throttled"
    assert {rejection.reason.split(",")[0].rstrip(")") for rejection in told.rejected} == {f"throttling ({names[0]}"}
    assert all(name in told.rejected[0].reason for name in names)
    assert {rejection.round for rejection in told.rejected} <= {1, 2, 3}


@pytest.mark.parametrize("live", range(16))
@pytest.mark.parametrize("since", range(0, 16, 5))
def test_bits_that_were_set_before_the_round_are_a_note_only(live: int, since: int) -> None:
    sticky = {"throttled": hex(since << 16)}
    assert health.fault(sticky, sticky) is None
    assert health.past(sticky) == tuple(name for bit, name in enumerate(health.LIVE) if since >> bit & 1)
    assert (health.fault(sticky, {"throttled": hex((since | live) << 16)}) is None) == (live & ~since == 0)
    assert (health.fault({"throttled": hex(live)}, sticky) is None) == (live == 0 == since)


def test_a_reboot_rejects_the_round_it_falls_into() -> None:
    told = judged(session(Disturbance(reboots=(4.0,)), protocol=Protocol()), Protocol())
    assert [rejection.reason for rejection in told.rejected] == ["the board was rebooted"]
    assert told.state == "clean"


def test_a_core_that_is_taken_rejects_the_round_even_where_the_samples_agree() -> None:
    """The median over a sample's inferences hides another process on the core; the agent's share of it does not."""
    told = judged(session(Disturbance(busy=(4.6, 7.7), stolen=0.5), protocol=Protocol()), Protocol())
    assert all("% of the core, and 100 % in other rounds" in r.reason for r in told.rejected)
    assert {3, 4} <= {rejection.round for rejection in told.rejected}
    always = judged(session(Disturbance(busy=(0, math.inf), stolen=0.5)))
    assert always.state == "noisy"
    assert "other programs took 50 % of the core" in always.reasons


def test_a_core_that_is_always_shared_somehow_rejects_no_round() -> None:
    """With shares of 55 to 85 %, rejecting the lower half would lose samples and improve nothing."""
    shares = [0.55, 0.7, 0.85, 0.6, 0.8, 0.65, 0.75, 0.7, 0.58]
    rounds = [
        replace(r, before={"cpu_seconds": 0.0, "clock_seconds": 0.0}, after={"cpu_seconds": s, "clock_seconds": 1.0})
        for r, s in zip(session(Disturbance()), shares)
    ]
    assert judged(rounds).rejected == ()
    assert "other programs took 30 % of the core" in judged(rounds).reasons


def test_a_clock_that_falls_rejects_only_where_no_governor_explains_it() -> None:
    def fault(governor: str, key: str = "clock_khz") -> str | None:
        return health.fault({key: 1_500_000, "governor": governor}, {key: 600_000, "governor": governor})

    assert fault("performance") == "the clock fell from 1500 to 600 MHz"
    assert fault("ondemand") is None
    assert "the clock fell" in str(fault("ondemand", "firmware_clock_hz"))


@pytest.mark.parametrize("garbage", [None, "", "0x", "throttled=", "VCHI initialization failed", "-0x5", "0xg"])
def test_what_cannot_be_read_is_unknown(garbage: str | None) -> None:
    state = {**board_in(Disturbance()).state(), "throttled": garbage}
    assert health.unknown([board_in(Disturbance()).state()]) == ()
    assert health.unknown([board_in(Disturbance()).state(), state]) == ("throttled",)
    assert health.fault(state, state) is None


def test_a_board_that_says_nothing_is_unknown_not_fine() -> None:
    told = judged(session(Disturbance(silent=True)))
    assert told.unknown == health.WATCHED
    assert "unknown is not the same as fine" in told.lines()[-1]


def test_a_board_that_is_always_throttled_is_measured_to_the_cap_and_told() -> None:
    rounds = session(Disturbance(throttled=((0, math.inf, 4),)), protocol=Protocol(max_rounds=10))
    told = judged(rounds, Protocol(max_rounds=10))
    assert len(rounds) == 10
    assert told.state == "throttled"
    assert "10 rounds in a row were rejected" in told.reasons
    assert apart(summarize(rounds), truth()).max() < 0.02


# Order, interruption, the interval


@given(st.integers(1, 200), st.integers(1, 3), st.randoms())
def test_reference_files_begin_and_end_every_round_and_are_never_far(count: int, kinds: int, rng: object) -> None:
    names, chosen = [f"f{i}" for i in range(count)], [f"s{i}" for i in range(kinds)]
    order = interleaved([*names, *chosen], chosen, rng)  # type: ignore[arg-type]
    assert {*order[:kinds]} == {*order[-kinds:]} == {*chosen}
    assert sorted(name for name in order if name not in chosen) == sorted(names)
    places = [index for index, name in enumerate(order) if name in chosen]
    assert max(b - a for a, b in pairwise(places)) <= 25


@pytest.mark.parametrize("cuts", [(0.0,), (4.0, 9.0), (1.0, 1.2, 1.4, 13.0)])
def test_a_cut_session_goes_on_as_if_it_had_not_been(cuts: tuple[float, ...]) -> None:
    """There is no noise, so samples do not depend on when they were taken."""
    board = board_in(Disturbance(noise=0, cuts=cuts))
    told: list[str] = []
    with resumable(lambda again: nullcontext(board), [], lambda record: None, told.append, pauses=(0, 0, 0)) as patient:
        rounds = list(measure(patient, files(), NINE))
    assert [(r.order, r.seconds) for r in rounds] == [(r.order, r.seconds) for r in session(Disturbance(noise=0))]
    assert len(told) == len(cuts)


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


def test_rounds_go_on_until_the_bound_and_no_longer() -> None:
    """A real agent measures on this machine."""
    specs = (MBConv(16, 48, 16, 3, 1, 8),)
    onnx = {"a": write(specs, random_weights(specs)), "b": write(specs, random_weights(specs, 1))}
    quick = Protocol(min_rounds=3, max_rounds=5, sample_seconds=0.001, within=1e9)
    strict = replace(quick, within=0.0)
    with local(threads=1) as board:
        rounds = list(measure(board, onnx, strict, each=True))
    assert len(rounds) == 5
    assert {name for r in rounds for name in r.order} == {"a", "b"} == {*reference_files(onnx, quick)}
    assert all(sum(single) >= 0.001 and min(single) > 0 for r in rounds for single in r.singles)
    assert {"load", "boot_id", "throttled", "temperature_mc"} <= set(rounds[0].before)


def test_of_several_boards_the_busiest_one_tells() -> None:
    before = {"a": {"cpu_seconds": 1.0, "clock_seconds": 0.0}, "b": {"cpu_seconds": 9.0, "clock_seconds": 50.0}}
    after = {"a": {"cpu_seconds": 2.0, "clock_seconds": 1.0}, "b": {"cpu_seconds": 9.5, "clock_seconds": 51.0}}
    assert health.cpu_share(merged(before), merged(after)) == 0.5
    assert health.cpu_share(before["a"], after["a"]) == 1.0
