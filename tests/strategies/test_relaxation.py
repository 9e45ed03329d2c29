"""Tests the images that DARTS learns from, and which evaluations it is charged for."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from torch import Tensor

from experiments.comparison.seeded_searches import run_searches
from experiments.config import Config
from experiments.data.dataset import Split, assemble
from experiments.steps import search as searching
from experiments.steps.plan import plan_of
from experiments.store.step import Means
from predictors.models.layer_costs import AdditiveCost
from search_spaces.networks.supernet import Supernet
from search_spaces.space import SearchSpace
from search_spaces.spaces.tiny import tiny
from strategies.algorithms.darts import darts
from strategies.problems.objective import Bounded
from strategies.problems.problem import Problem
from tests.predictors.tables.synthetic_table import synthetic_table

SECONDS = AdditiveCost(np.random.default_rng(0).uniform(1e-3, 5e-3, (4, 3)))


class Relaxed:
    """Slower options are better. Counts the evaluations of mixtures."""

    diagnosed = 0

    def train(self, distribution: list[Tensor]) -> None:
        pass

    def loss(self, distribution: list[Tensor]) -> Tensor:
        return -100 * SECONDS.expected(distribution)

    def costs(self, distribution: list[Tensor]) -> dict[str, Tensor]:
        return {"latency": SECONDS.expected(distribution)}

    def accuracy(self, distribution: list[Tensor]) -> float:
        self.diagnosed += 1
        return 0.9


def problem(relaxed: Relaxed, limit: float) -> Problem:
    space = SearchSpace("toy", (tuple("abc"),) * 4, (0,) * 4)
    return Problem(
        space, Bounded({"latency": limit}), lambda archs: [0.5] * len(archs), {"latency": SECONDS}, lambda seed: relaxed
    )


def test_a_distribution_learns_from_images_that_the_supernet_has_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here training images have label 0, and validation images label 1."""

    def split(count: int, label: int) -> Split:
        return Split(torch.zeros(count, 1, 16, 16, dtype=torch.uint8), torch.full((count,), label))

    data = assemble("made", "ab", split(90, 0), split(20, 1), split(10, 1))
    space = tiny(1, 16, 2)
    monkeypatch.setattr(searching, "objective_of", lambda *_: Bounded({"latency": math.inf}))
    settings = plan_of(Config(precision="fp32")).searching
    given = {}

    def noted(*arguments: object) -> Problem:
        given["batches"] = arguments[3]
        return problem(Relaxed(), math.inf)

    monkeypatch.setattr(searching, "supernet_problem", noted)
    table = synthetic_table(space)
    calibration = data.fixed(data.train, 8, 0)[0]
    searching.problem_of(settings, Means.of(Config()), data, Supernet(space), table, calibration)
    for step in range(0, 60, 2):
        assert not given["batches"](step)[1].any()  # type: ignore[operator]
        assert given["batches"](step + 1)[1].all()  # type: ignore[operator]


def test_the_mixtures_accuracy_is_told_where_nobody_looks_at_the_clock() -> None:
    relaxed = Relaxed()
    candidate = next(darts(problem(relaxed, 1.0), Random(0)))
    assert (candidate.mixture, relaxed.diagnosed) == (0.9, 1)
    assert candidate.discretization_cost == pytest.approx(0.4)


def test_a_timed_search_does_not_compute_the_mixtures_accuracy(tmp_path: Path) -> None:
    relaxed = Relaxed()
    found = list(run_searches(problem(relaxed, 1.0), {"darts": darts}, [0], 10, 0.0, tmp_path))
    assert len(found) == 10
    assert relaxed.diagnosed == 0
    assert all(one.candidate.mixture is None for one in found)
    assert next(darts(replace(problem(relaxed, 1.0), diagnose=False), Random(0))).discretization_cost is None


def test_an_infeasible_mode_is_drawn_again_and_not_paid_for() -> None:
    """The loss pulls the mixture to the slowest options, which are all beyond the bound."""
    asked = []
    limit = float(np.quantile(SECONDS.of(np.array(problem(Relaxed(), 1.0).pool)), 0.1))

    def accuracies(archs: list[tuple[int, ...]]) -> list[float]:
        asked.extend(archs)
        return [0.5] * len(archs)

    class Drawn(Relaxed):
        def costs(self, distribution: list[Tensor]) -> dict[str, Tensor]:
            return {"latency": 1e-4 + 0 * SECONDS.expected(distribution)}

    bounded = replace(problem(Drawn(), limit), accuracies=accuracies)  # type: ignore[arg-type]
    candidates = darts(bounded, Random(0), every=30)
    assert all(next(candidates).feasible for _ in range(5))
    assert all(SECONDS(arch) <= limit < SECONDS(SECONDS.highest) for arch in asked)
