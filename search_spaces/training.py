"""One training loop for supernets and networks; what differs is how a batch becomes gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.errors import LutraError
from search_spaces.supernet import Supernet

Batches = Callable[[int], tuple[Tensor, Tensor]]  # step -> normalised images [N, C, H, W], labels [N]
Backward = Callable[[int, Tensor, Tensor], float]  # step, images, labels -> loss; gradients are accumulated


@dataclass(frozen=True)
class Recipe:
    """SGD with Nesterov momentum, linear warm-up, then a half cosine; no weight decay on vectors (batch norm, bias)."""

    steps: int
    batch: int  # images
    learning_rate: float
    momentum: float = 0.9
    weight_decay: float = 5e-5
    warmup: float = 0.1  # fraction of the steps
    label_smoothing: float = 0.1

    def learning_rate_at(self, step: int) -> float:
        warm = max(1, round(self.warmup * self.steps))
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, self.steps - warm)))


@dataclass(frozen=True)
class Step:
    """What a caller may show or log of one step."""

    step: int
    loss: float
    learning_rate: float


def fit(model: nn.Module, batches: Batches, recipe: Recipe, backward: Backward) -> Iterator[Step]:
    """Trains `model` in place, one step at each `next`. Raises LutraError where the loss is no number."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, recipe.learning_rate, recipe.momentum, nesterov=True)
    for step in range(recipe.steps):
        model.train()
        rate = recipe.learning_rate_at(step)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        loss = backward(step, *batches(step))
        if not math.isfinite(loss):
            raise LutraError(f"the loss is {loss} at step {step}, learning rate {rate:.3g}: try a smaller one")
        optimizer.step()
        yield Step(step, loss, rate)


def cross_entropy(model: nn.Module, smoothing: float) -> Backward:
    """Label-smoothed cross entropy (Szegedy et al. 2016)."""

    def backward(step: int, images: Tensor, labels: Tensor) -> float:
        loss = F.cross_entropy(model(images), labels, label_smoothing=smoothing)
        loss.backward()
        return loss.item()

    return backward


def sandwich(supernet: Supernet, smoothing: float, seed: int, middle: int = 2) -> Backward:
    """Sandwich rule with in-place distillation (Yu et al. 2020, BigNAS): the largest network learns the labels, the
    smallest and `middle` random ones learn the largest one's output. Returns the largest network's loss."""

    def backward(step: int, images: Tensor, labels: Tensor) -> float:
        space, rng = supernet.space, Random(f"sandwich {seed} {step}")
        logits = supernet(images, space.largest)
        loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
        loss.backward()
        soft = logits.detach().softmax(1)
        for arch in (space.smallest, *(space.sample(rng) for _ in range(middle))):
            F.cross_entropy(supernet(images, arch), soft).backward()
        return loss.item()

    return backward
