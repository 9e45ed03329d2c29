"""Tests a pool of boards: equal kinds and speeds, every file once per round, the worst state counts."""

from __future__ import annotations

import pytest

from predictors import agent
from predictors.board.answer_validation import checked
from predictors.board.device_pool import DevicePool, merged
from predictors.board.simulated import Disturbance, SimulatedBoard
from predictors.timing.rounds import Protocol, measure, reference_files
from search_spaces.errors import LutraError

FILES = {f"fp32/{index}": bytes([index]) for index in range(60)}
QUICK = Protocol(min_rounds=6, max_rounds=6, within=1e9)


def board(slow: float = 1.0, seed: int = 0, **passport: object) -> SimulatedBoard:
    """Returns a board where the file of byte n takes n + 1 ms."""
    disturbance = Disturbance(noise=0.002)
    return SimulatedBoard(
        lambda onnx: slow * (onnx[0] + 1) / 1e3, disturbance, seed, {"model": "simulated", **passport}
    )


def test_every_round_holds_every_file_and_its_seconds() -> None:
    fleet = DevicePool({"a": board(seed=1), "b": board(seed=2), "c": board(seed=3)})
    rounds = list(measure(fleet, FILES, QUICK))
    assert [r.order for r in rounds] == [r.order for r in measure(board(), FILES, QUICK)]
    for done in rounds:
        for name, seconds in zip(done.order, done.seconds):
            assert seconds == pytest.approx((FILES[name][0] + 1) / 1e3, rel=0.03)
        assert set(done.before["boards"]) == {"a", "b", "c"}


@pytest.mark.parametrize("slow", [1.05, 0.9])
def test_boards_that_are_not_equally_fast_are_named_with_the_reference_files(slow: float) -> None:
    fleet = DevicePool({"a": board(seed=1), "b": board(slow, seed=2)})
    with pytest.raises(LutraError, match=r"longer on [ab] than on [ab]") as caught:
        list(measure(fleet, FILES, QUICK))
    assert all(f"{name} takes" in str(caught.value) for name in reference_files(FILES, QUICK))
    assert "\n" not in str(caught.value)


def test_boards_of_two_kinds_are_refused_with_what_differs() -> None:
    with pytest.raises(LutraError, match="a and c are not of one kind: cores None and 4"):
        DevicePool({"a": board(), "b": board(), "c": board(cores=4)})


def test_the_worst_state_counts_and_unknown_stays_unknown() -> None:
    one = {"throttled": "0x50000", "clock_khz": 1500, "temperature_mc": 40, "boot_id": "x", "governor": "ondemand"}
    two = {"throttled": "0x5", "clock_khz": 600, "temperature_mc": 80, "boot_id": "y", "governor": "ondemand"}
    both = merged({"a": one, "b": two})
    assert (both["throttled"], both["clock_khz"], both["temperature_mc"]) == ("0x50005", 600, 80)
    assert (both["boot_id"], both["governor"]) == ("x + y", "ondemand")
    assert all(value is None for key, value in merged({"a": one, "b": {}}).items() if key != "boards")


def test_the_states_of_real_agents_are_merged_key_by_key() -> None:
    one = agent.state()
    both = merged({"a": one, "b": one})
    assert {*both} == {*one, "boards"}
    assert both["clocks_khz"] == 2 * one["clocks_khz"]
    assert checked("both", "state", {}, both) == both
