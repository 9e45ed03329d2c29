"""Tests DARTS and its relaxation on a supernet that was trained on digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from random import Random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor

from predictors.models.layer_costs import AdditiveCost
from search_spaces.costs import macs
from search_spaces.networks.evaluation import accuracy, calibrate, predict
from search_spaces.networks.evaluation import batches as image_batches
from search_spaces.networks.supernet import Supernet
from search_spaces.space import Arch, SearchSpace
from search_spaces.spaces.tiny import tiny
from search_spaces.training.loop import mixed_precision
from strategies.algorithms.darts import darts
from strategies.problems.objective import Bounded, MnasNet
from strategies.problems.problem import Problem
from strategies.problems.supernet_problem import supernet_problem

Batch = tuple[Tensor, Tensor]


@cache
def digits() -> tuple[Batch, Batch]:
    """Returns training and validation images [N, 1, 16, 16] of scikit-learn's digits, and labels [N].

    At the original 8 pixels deeper networks are no better, so that Skip would rightly win.
    """
    data = load_digits()
    small = torch.tensor(data.images[:, None], dtype=torch.float32) / 8 - 1
    images, labels = F.interpolate(small, size=16, mode="bilinear"), torch.tensor(data.target)
    return (images[:1200], labels[:1200]), (images[1200:1500], labels[1200:1500])


def batches(step: int) -> Batch:
    images, labels = digits()[0]
    picked = np.random.default_rng(step).choice(len(images), 16, replace=False)
    return images[picked], labels[picked]


@pytest.fixture(scope="module")
def supernet() -> Supernet:
    """Returns a supernet trained for a few steps (largest, smallest, random)."""
    torch.manual_seed(0)
    space, rng = tiny(1, 16, 10), Random(0)
    supernet = Supernet(space)
    sgd = torch.optim.SGD(supernet.parameters(), 0.05, momentum=0.9)
    for step in range(30):
        images, labels = batches(step)
        sgd.zero_grad()
        together = supernet(images, space.largest, space.smallest, space.sample(rng))
        torch.stack([F.cross_entropy(logits, labels) for logits in together]).sum().backward()
        sgd.step()
    return supernet


def by_macs(space: SearchSpace) -> AdditiveCost:
    """Returns a cost of one nanosecond per multiply-accumulate; Skip costs nothing."""
    seconds = np.full((len(space.layers), max(space.options)), np.nan)
    for layer, options in enumerate(space.layers):
        seconds[layer, : len(options)] = [1e-9 * macs((option,)) for option in options]
    return AdditiveCost(seconds)


def problem_of(supernet: Supernet, fraction: float, train: Callable[[int], Batch] = batches) -> Problem:
    """Returns the problem of the most accurate network within a fraction of the reference's latency."""
    latency = by_macs(supernet.space)
    objective = Bounded({"latency": fraction * latency(supernet.space.reference)})
    return supernet_problem(supernet, {"latency": latency}, objective, train, digits()[0][0][:256], digits()[1])


@pytest.mark.parametrize(("fraction", "deepest"), [(0.6, False), (2.0, True)], ids=["limited", "unlimited"])
def test_darts_does_not_end_all_skip(supernet: Supernet, fraction: float, deepest: bool) -> None:
    problem = problem_of(supernet, fraction)
    space = problem.space
    assert problem.evaluate(space.largest).accuracy > problem.evaluate(space.smallest).accuracy  # deeper is better here
    ended = next(darts(problem, Random(0), every=25)).arch
    assert depth(space, space.smallest) < depth(space, ended)
    assert not deepest or depth(space, ended) == depth(space, space.largest)


def test_darts_takes_skip_where_only_latency_counts(supernet: Supernet) -> None:
    problem = replace(problem_of(supernet, 1.0), objective=MnasNet({"latency": 1e-3}, weight=-100))
    ended = next(darts(problem, Random(0), every=20)).arch
    assert depth(problem.space, ended) == depth(problem.space, problem.space.smallest)


def depth(space: SearchSpace, arch: Arch) -> int:
    return sum(bool(spec.convs) for spec in space.decode(arch))


def test_the_supernet_that_judges_stays_as_it_was(supernet: Supernet) -> None:
    asked: list[int] = []

    def noted(step: int) -> Batch:
        asked.append(step)
        return batches(step)

    problem = problem_of(supernet, 0.6, noted)
    before = {name: tensor.clone() for name, tensor in supernet.state_dict().items()}
    arch = problem.space.reference
    images, labels = digits()[1]
    network = calibrate(supernet.extract(arch), digits()[0][0][:256])
    next(darts(problem, Random(0), every=2))
    assert problem.evaluate(arch).accuracy == accuracy(predict(network, images), labels)
    assert all(torch.equal(tensor, before[name]) for name, tensor in supernet.state_dict().items())
    assert [step - asked[0] for step in asked] == [0, 3, 2, 5]  # weights on even steps, alpha on odd ones
    assert asked[0] % 2 == 0


def test_a_relaxation_at_a_corner_is_the_architecture(supernet: Supernet) -> None:
    problem = problem_of(supernet, 0.6)
    assert problem.relax is not None
    relaxation, arch = problem.relax(0), problem.space.reference
    corner = [F.one_hot(torch.tensor(pick), n).float() for pick, n in zip(arch, problem.space.options)]
    images, labels = batches(1)
    judged = accuracy(torch.cat([supernet(part, arch) for part in image_batches(digits()[1][0])]), digits()[1][1])
    assert relaxation.accuracy(corner) == judged
    with mixed_precision(None, images.device):
        expected = F.cross_entropy(supernet(images, arch), labels)
    torch.testing.assert_close(relaxation.loss(corner), expected, rtol=5e-3, atol=0)
    assert relaxation.costs(corner)["latency"].item() == pytest.approx(problem.costs["latency"](arch))
