"""The optimizers of a training: SGD, and Muon for convolutions if the recipe says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from search_spaces.training.recipe import Recipe

MUON_MOMENTUM = 0.95  # Nesterov's


class Muon:
    """Steps whose matrices are orthogonal (Jordan 2024); weights [out, in, k, k] count as matrices [out, in * k * k].

    torch's Muon takes matrices alone, and not every memory format has a view of a weight as a matrix: it trains copies.
    """

    def __init__(self, weights: Sequence[nn.Parameter], recipe: Recipe) -> None:
        self.weights = weights
        self.matrices = [nn.Parameter(weight.detach().flatten(1).clone()) for weight in weights]
        self.torch = torch.optim.Muon(self.matrices, recipe.muon, recipe.weight_decay, MUON_MOMENTUM)

    @torch.no_grad()
    def step(self) -> None:
        """One step of the weights that have a gradient."""
        for weight, matrix in zip(self.weights, self.matrices):
            matrix.copy_(weight.flatten(1))
            matrix.grad = None if weight.grad is None else weight.grad.flatten(1)
        self.torch.step()
        for weight, matrix in zip(self.weights, self.matrices):
            weight.copy_(matrix.view(weight.shape))


class Optimizers:
    """One optimizer for each parameter of a model, with all state needed to resume bit for bit."""

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        self.recipe = recipe
        dense = [one for one in model.parameters() if recipe.muon and one.ndim == 4 and one.shape[1] > 1]
        taken = {id(one) for one in dense}
        left = {name: one for name, one in model.named_parameters() if id(one) not in taken}
        faster = [one for name, one in left.items() if recipe.bias_rate != 1 and name.endswith("bias")]
        taken = {id(one) for one in faster}
        groups: list[dict[str, Any]] = [
            {"params": [one for one in left.values() if one.ndim > 1], "weight_decay": recipe.weight_decay},
            {"params": [one for one in left.values() if one.ndim <= 1 and id(one) not in taken], "weight_decay": 0.0},
        ]
        if faster:
            groups.append({"params": faster, "weight_decay": 0.0})
        self.factors = (1.0, 1.0, recipe.bias_rate)[: len(groups)]  # of the groups' learning rates
        self.sgd = torch.optim.SGD(groups, recipe.learning_rate, recipe.momentum, nesterov=True)
        self.muon = Muon(dense, recipe) if dense else None

    def step(self, rate: float) -> None:
        """One step of all parameters that have a gradient; `rate` is SGD's, and Muon's rises and falls with it."""
        for group, factor in zip(self.sgd.param_groups, self.factors, strict=True):
            group["lr"] = rate * factor
        self.sgd.step()
        if self.muon is not None:
            for group in self.muon.torch.param_groups:
                group["lr"] = rate * self.recipe.muon / self.recipe.learning_rate
            self.muon.step()

    def state_dict(self) -> dict[str, Any]:
        return {"optimizer": self.sgd.state_dict()} | (
            {} if self.muon is None else {"muon": self.muon.torch.state_dict()}
        )

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.sgd.load_state_dict(state["optimizer"])
        if self.muon is not None:
            self.muon.torch.load_state_dict(state["muon"])
