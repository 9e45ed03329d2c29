"""The problem of a trained supernet: accuracy with inherited weights, costs from layers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from predictors.models.layer_costs import LayerCost
from search_spaces.networks.evaluation import Images, accuracy
from search_spaces.networks.evaluation import batches as image_batches
from search_spaces.networks.population import accuracies
from search_spaces.networks.supernet import Supernet
from search_spaces.training.loop import mixed_precision
from strategies.problems.objective import Objective
from strategies.problems.problem import Problem

Batches = Callable[[int], tuple[Tensor, Tensor]]  # step -> images [N, C, H, W] normalised and augmented, labels [N]


def supernet_problem(
    supernet: Supernet,
    costs: Mapping[str, LayerCost],
    objective: Objective,
    train: Batches,
    calibration: Tensor | Images,
    validation: tuple[Tensor | Images, Tensor],
) -> Problem:
    """Evaluates on `validation`, which is never trained on, with batch norms calibrated on `calibration`.

    `train(step)` returns a batch. A relaxation's weights learn from the even ones, training images; its distribution
    learns from the odd ones, images that the supernet was not trained on.
    """

    inherited = partial(accuracies, supernet, calibration, validation)

    def relax(seed: int) -> Mixture:
        return Mixture(supernet, costs, train, seed, validation)

    return Problem(supernet.space, objective, inherited, costs, relax)


class Mixture:
    """A `Relaxation` on a copy of the supernet, so that the original stays the same for all strategies.

    The seed sets where it starts in the stream of batches. The settings of SGD are those of DARTS (Liu et al. 2019).
    """

    def __init__(
        self,
        supernet: Supernet,
        costs: Mapping[str, LayerCost],
        train: Batches,
        seed: int,
        validation: tuple[Tensor | Images, Tensor],
    ) -> None:
        self.judge, self.validation = supernet, validation
        self.supernet = copy.deepcopy(supernet).requires_grad_(True)
        self.of_layers = costs
        self.batches = train
        self.step = 2 * seed
        self.sgd = torch.optim.SGD(self.supernet.parameters(), 0.025, momentum=0.9, weight_decay=3e-4)

    def train(self, distribution: list[Tensor]) -> None:
        self.sgd.zero_grad()
        self._cross_entropy(self.step, distribution).backward()
        torch.nn.utils.clip_grad_norm_(self.supernet.parameters(), 5.0)
        self.sgd.step()
        self.step += 2

    def loss(self, distribution: list[Tensor]) -> Tensor:
        return self._cross_entropy(self.step + 1, distribution)

    def costs(self, distribution: list[Tensor]) -> dict[str, Tensor]:
        return {name: cost.expected(distribution) for name, cost in self.of_layers.items()}

    def accuracy(self, distribution: list[Tensor]) -> float:
        images, labels = self.validation
        mixture = partial(self.judge, choice=[p.to(images.device) for p in distribution])
        with torch.no_grad():
            return accuracy(torch.cat([mixture(batch) for batch in image_batches(images)]), labels)

    def _cross_entropy(self, step: int, distribution: list[Tensor]) -> Tensor:
        images, labels = self.batches(step)
        with mixed_precision(None, images.device):
            return F.cross_entropy(self.supernet(images, [p.to(images.device) for p in distribution]), labels).cpu()
