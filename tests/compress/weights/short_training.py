"""Short trainings of the small network, and its weights in groups of four."""

from __future__ import annotations

from torch import Tensor

from search_spaces.networks.network import Network
from search_spaces.training.loop import Backward, Recipe, Training, fit
from tests.networks import batch

RECIPE = Recipe(10, 16, 0.1, weight_decay=0.01, amp=False)


def train(network: Network, backward: Backward, recipe: Recipe = RECIPE) -> Training:
    training = Training(network, recipe)
    for _ in fit(training, batch, backward):
        pass
    return training


def fours(weight: Tensor) -> Tensor:
    """Reshapes to [groups, 4] along the input dimension."""
    return weight.detach().movedim(1, -1).reshape(-1, 4)
