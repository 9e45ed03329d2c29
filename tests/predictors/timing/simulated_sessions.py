"""Sessions of measuring on a simulated board."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from predictors.board.simulated import Disturbance, SimulatedBoard
from predictors.timing.rounds import Protocol, Round, measure
from predictors.timing.values import Value
from predictors.timing.verdict import Verdict, verdict

NINE = Protocol(min_rounds=9, max_rounds=9)
LENGTH = 14.0  # seconds of an undisturbed session of 60 files


def files(count: int = 60) -> dict[str, bytes]:
    """Returns files of 10 us to 1 ms; their content is the latency in seconds, which the simulated board reads."""
    seconds = 10 ** np.random.default_rng(0).uniform(-5, -3, count)
    return {f"f{index:02}": repr(float(value)).encode() for index, value in enumerate(seconds)}


def board_in(disturbance: Disturbance, seed: int = 0) -> SimulatedBoard:
    return SimulatedBoard(lambda onnx: float(onnx.decode()), disturbance, seed)


@cache
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
