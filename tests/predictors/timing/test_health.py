"""Tests that the verdict names what kept the agent from its cores: other programs, a quota, or idle threads."""

from __future__ import annotations

import math
from typing import Any

import pytest

from predictors.board.simulated import Disturbance, SimulatedBoard
from predictors.timing.health import capacity, cpu_share, with_resources
from predictors.timing.rounds import Protocol, Round, measure
from predictors.timing.verdict import Verdict, verdict
from tests.predictors.timing.simulated_sessions import files

NINE = Protocol(min_rounds=9, max_rounds=9)


def judged(stolen: float, threads: int, passport: dict[str, Any], **state: float) -> Verdict:
    """Judges a session of equally bad rounds. `state`: what each second adds to a counter of the state."""
    board = SimulatedBoard(
        lambda onnx: float(onnx.decode()), Disturbance(busy=(0, math.inf), stolen=stolen), 0, passport
    )
    board.threads = threads
    rounds = [_counted(one, state) for one in measure(board, files(12), NINE)]
    return verdict(rounds, NINE, {name: name for name in files(12)})


def _counted(one: Round, state: dict[str, float]) -> Round:
    seconds = one.after["clock_seconds"] - one.before["clock_seconds"]
    after = {**one.after, **{key: seconds * rate for key, rate in state.items()}}
    return Round(one.order, one.seconds, (), {**one.before, **dict.fromkeys(state, 0.0)}, after)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_other_programs_are_found_whatever_the_threads_and_however_long_they_stay(threads: int) -> None:
    told = judged(0.5, threads, {}).reasons
    assert f"other programs took 50 % of the {'core' if threads == 1 else 'cores'}" in told
    assert not [reason for reason in judged(0.0, threads, {}).reasons if "other programs" in reason]


@pytest.mark.parametrize(("threads", "quota"), [(1, 0.5), (4, 2.0)])
def test_a_quota_is_not_blamed_on_other_programs(threads: int, quota: float) -> None:
    """The agent uses all of its quota; if the kernel reports that the quota stopped it, the quota is named."""
    lost = 1 - quota / threads
    told = judged(lost, threads, {"quota": quota}).reasons
    assert not [reason for reason in told if "other programs" in reason]
    told = judged(lost, threads, {"quota": quota}, quota_throttled_seconds=0.5).reasons
    assert f"the CPU quota of {quota:g} cores stopped the agent for 50 % of the time: raise or remove it" in told
    assert not [reason for reason in told if "other programs" in reason]


def test_threads_without_work_are_not_blamed_on_other_programs() -> None:
    """One of two threads mostly waits for the other: no time was spent waiting for a core."""
    assert not [reason for reason in judged(0.4, 2, {}, waited_seconds=0.0).reasons if "other programs" in reason]
    assert "other programs took 40 % of the cores" in judged(0.4, 2, {}, waited_seconds=0.9).reasons


@pytest.mark.parametrize(
    ("state", "cores"),
    [
        ({}, 1),
        ({"threads": 4}, 4),
        ({"threads": 4, "cores": "0-1"}, 2),
        ({"threads": 4, "cores": "0,2-3"}, 3),
        ({"threads": 4, "cores": "0-7", "quota": 1.5}, 1.5),
        ({"threads": 2, "cores": None, "quota": "none"}, 2),
        ({"threads": 2, "cores": "many", "quota": None}, 2),
    ],
)
def test_what_the_agent_can_use_is_the_least_of_threads_cores_and_quota(state: dict[str, Any], cores: float) -> None:
    assert capacity(state) == cores
    before, after = ({**state, "cpu_seconds": cpu, "clock_seconds": time} for cpu, time in ((1.0, 5.0), (2.0, 6.0)))
    assert cpu_share(before, after) == pytest.approx(1 / cores)


def test_each_board_of_several_is_told_what_it_may_use() -> None:
    merged = with_resources({"boards": {"a": {"cores": "0-3"}, "b": {}}}, 2, {"quota": 1.5})
    assert [capacity(state) for state in merged["boards"].values()] == [1.5, 1.5]
