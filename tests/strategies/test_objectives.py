"""Tests the objectives: the loss is the score's -log, feasible networks come first, better is never worse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from strategies.problems.objective import Bounded, MnasNet, Objective, Pareto

TARGET = 0.02  # seconds
ONE, TWO = {"latency": TARGET}, {"latency": TARGET, "size": 1e6 * TARGET}
OBJECTIVES: list[Objective] = [
    *(MnasNet(ONE), MnasNet(ONE, -0.5), Bounded(ONE), Pareto(ONE)),
    *(MnasNet(TWO), Bounded(TWO), Pareto(TWO)),
]
accuracies = st.floats(0.01, 1.0)
latencies = st.floats(1e-4, 0.0199)  # below the target, and below Pareto's margin of a thousandth
beyond = st.floats(TARGET * (1 + 1e-6), 1.0)
every_objective = pytest.mark.parametrize("objective", OBJECTIVES, ids=str)
hard = pytest.mark.parametrize("objective", [Bounded(ONE), Pareto(ONE), Bounded(TWO), Pareto(TWO)], ids=str)


def costs(latency: Any) -> dict[str, Any]:
    """Returns costs of a network whose size is proportional to its latency."""
    return {"latency": latency, "size": 1e6 * latency}


def loss(objective: Objective, cross_entropy: float, latency: float) -> float:
    double = torch.float64
    return objective.loss(torch.tensor(cross_entropy, dtype=double), costs(torch.tensor(latency, dtype=double))).item()


def score(objective: Objective, accuracy: float, latency: float) -> float:
    return objective.score(accuracy, costs(latency))


@every_objective
@given(accuracy=accuracies, latency=latencies)
def test_loss_is_minus_log_score(objective: Objective, accuracy: float, latency: float) -> None:
    expected = -math.log(score(objective, accuracy, latency))
    assert loss(objective, -math.log(accuracy), latency) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(accuracy=accuracies, latency=beyond)
def test_mnasnet_keeps_the_law_beyond_its_target(accuracy: float, latency: float) -> None:
    expected = -math.log(score(MnasNet(ONE), accuracy, latency))
    assert loss(MnasNet(ONE), -math.log(accuracy), latency) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert MnasNet(ONE).allows(costs(latency))


def test_mnasnet_pays_its_target_nothing() -> None:
    assert score(MnasNet(ONE), 0.75, TARGET) == 0.75
    assert score(MnasNet(ONE), 0.75, 2 * TARGET) == pytest.approx(0.75 * 2**-0.07)


@every_objective
@given(accuracy=accuracies, more=accuracies, latency=latencies, slower=latencies)
def test_better_is_never_worse(
    objective: Objective, accuracy: float, more: float, latency: float, slower: float
) -> None:
    accuracy, more = sorted((accuracy, more))
    latency, slower = sorted((latency, slower))
    assert score(objective, more, latency) >= score(objective, accuracy, slower)
    assert loss(objective, -math.log(more), latency) <= loss(objective, -math.log(accuracy), slower)


@hard
@given(accuracy=accuracies, poor=accuracies, inside=latencies, outside=beyond, farther=beyond)
def test_feasible_before_infeasible_by_violation(
    objective: Objective, accuracy: float, poor: float, inside: float, outside: float, farther: float
) -> None:
    outside, farther = sorted((outside, farther))
    assert objective.allows(costs(inside))
    assert objective.front or not objective.allows(costs(outside))
    assert score(objective, poor, inside) > 0 > score(objective, accuracy, outside)
    assert score(objective, poor, outside) >= score(objective, accuracy, farther)


@every_objective
@pytest.mark.parametrize("latency", [0.5 * TARGET, 1.5 * TARGET, 50 * TARGET])
def test_the_gradient_leads_to_accurate_and_back_to_feasible(objective: Objective, latency: float) -> None:
    cross_entropy, seconds = torch.tensor(1.0, requires_grad=True), torch.tensor(latency, requires_grad=True)
    objective.loss(cross_entropy, costs(seconds)).backward()
    assert cross_entropy.grad == 1
    assert seconds.grad is not None
    assert math.isfinite(seconds.grad)
    assert seconds.grad >= 0
    if latency > TARGET:
        assert seconds.grad > 0


@hard
def test_the_loss_goes_on_without_a_jump(objective: Objective) -> None:
    edge = 0.999 * TARGET
    for place in (edge, TARGET):
        assert loss(objective, 1.0, place * (1 - 1e-9)) == pytest.approx(
            loss(objective, 1.0, place * (1 + 1e-9)), abs=1e-4
        )


def test_the_edges() -> None:
    assert Bounded(ONE).allows(ONE)
    assert score(Pareto(ONE), 0.5, 0.25 * TARGET) == 0.375
    assert score(Pareto(TWO), 0.5, 0.25 * TARGET) == 0.5 * 0.75**2


@pytest.mark.parametrize("dear", TWO)
def test_a_bound_on_two_costs_is_met_by_both(dear: str) -> None:
    objective, within = Bounded(TWO), costs(0.5 * TARGET)
    beyond = within | {dear: 1.5 * TWO[dear]}
    assert (objective.allows(within), objective.allows(beyond)) == (True, False)
    assert objective.score(0.9, beyond) == pytest.approx(-0.5)
    columns = {name: np.array([within[name], beyond[name]]) for name in TWO}
    assert objective.allows(columns).tolist() == [True, False]
