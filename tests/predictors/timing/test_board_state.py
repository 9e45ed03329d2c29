"""Tests that a board's state is watched: throttling, reboots, a shared core, a falling clock."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from predictors.board.device_pool import merged
from predictors.board.simulated import Disturbance
from predictors.timing import health
from predictors.timing.rounds import Protocol, summarize
from tests.predictors.timing.simulated_sessions import apart, board_in, judged, session, truth


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


def test_of_several_boards_the_busiest_one_tells() -> None:
    before = {"a": {"cpu_seconds": 1.0, "clock_seconds": 0.0}, "b": {"cpu_seconds": 9.0, "clock_seconds": 50.0}}
    after = {"a": {"cpu_seconds": 2.0, "clock_seconds": 1.0}, "b": {"cpu_seconds": 9.5, "clock_seconds": 51.0}}
    assert health.cpu_share(merged(before), merged(after)) == 0.5
    assert health.cpu_share(before["a"], after["a"]) == 1.0
