"""Laws of the objectives: the loss is the score's -log, the feasible come first, better is never worse."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from strategies.objective import Bounded, MnasNet, Objective, Pareto

TARGET = 0.02  # seconds
OBJECTIVES: list[Objective] = [MnasNet(TARGET), MnasNet(TARGET, -0.5), Bounded(TARGET), Pareto(TARGET)]
accuracies = st.floats(0.01, 1.0)
latencies = st.floats(1e-4, 0.0199)  # below the target, and below Pareto's margin of a thousandth
beyond = st.floats(TARGET * (1 + 1e-6), 1.0)
every_objective = pytest.mark.parametrize("objective", OBJECTIVES, ids=str)
hard = pytest.mark.parametrize("objective", [Bounded(TARGET), Pareto(TARGET)], ids=str)


def loss(objective: Objective, cross_entropy: float, latency: float) -> float:
    double = torch.float64
    return objective.loss(torch.tensor(cross_entropy, dtype=double), torch.tensor(latency, dtype=double)).item()


@every_objective
@given(accuracy=accuracies, latency=latencies)
def test_loss_is_minus_log_score(objective: Objective, accuracy: float, latency: float) -> None:
    expected = -math.log(objective.score(accuracy, latency))
    assert loss(objective, -math.log(accuracy), latency) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(accuracy=accuracies, latency=beyond)
def test_mnasnet_keeps_the_law_beyond_its_target(accuracy: float, latency: float) -> None:
    expected = -math.log(MnasNet(TARGET).score(accuracy, latency))
    assert loss(MnasNet(TARGET), -math.log(accuracy), latency) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert MnasNet(TARGET).feasible(latency)


def test_mnasnet_pays_its_target_nothing() -> None:
    assert MnasNet(TARGET).score(0.75, TARGET) == 0.75
    assert MnasNet(TARGET).score(0.75, 2 * TARGET) == pytest.approx(0.75 * 2**-0.07)


@every_objective
@given(accuracy=accuracies, more=accuracies, latency=latencies, slower=latencies)
def test_better_is_never_worse(
    objective: Objective, accuracy: float, more: float, latency: float, slower: float
) -> None:
    accuracy, more = sorted((accuracy, more))
    latency, slower = sorted((latency, slower))
    assert objective.score(more, latency) >= objective.score(accuracy, slower)
    assert loss(objective, -math.log(more), latency) <= loss(objective, -math.log(accuracy), slower)


@hard
@given(accuracy=accuracies, poor=accuracies, inside=latencies, outside=beyond, farther=beyond)
def test_feasible_before_infeasible_by_violation(
    objective: Objective, accuracy: float, poor: float, inside: float, outside: float, farther: float
) -> None:
    outside, farther = sorted((outside, farther))
    assert objective.feasible(inside)
    assert not objective.feasible(outside)
    assert objective.score(poor, inside) > 0 > objective.score(accuracy, outside)
    assert objective.score(poor, outside) >= objective.score(accuracy, farther)


@every_objective
@pytest.mark.parametrize("latency", [0.5 * TARGET, 1.5 * TARGET, 50 * TARGET])
def test_the_gradient_leads_to_accurate_and_back_to_feasible(objective: Objective, latency: float) -> None:
    cross_entropy, seconds = torch.tensor(1.0, requires_grad=True), torch.tensor(latency, requires_grad=True)
    objective.loss(cross_entropy, seconds).backward()
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
    assert Bounded(TARGET).feasible(TARGET)
    assert not Pareto(TARGET).feasible(TARGET)
    assert Pareto(TARGET).score(0.5, 0.25 * TARGET) == 0.375
