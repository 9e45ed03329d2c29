"""One training loop for supernets and networks, which differ in how a batch becomes gradients."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from search_spaces.errors import LutraError
from search_spaces.networks.network import device_of
from search_spaces.training.optimizers import Optimizers
from search_spaces.training.recipe import Recipe

Batches = Callable[[int], tuple[Tensor, Tensor]]  # step -> normalised images [N, C, H, W], labels
Backward = Callable[[int, Tensor, Tensor], float]  # step, images, labels -> loss; gradients are accumulated
# Labels are classes [N], or of mixed images the share of each class [N, classes].


@dataclass(frozen=True)
class Step:
    """What a caller can show or log of one step."""

    step: int
    loss: float
    learning_rate: float


class Training:
    """A model in training, with all state needed to resume bit for bit."""

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        self.model, self.recipe = model, recipe
        self.losses: list[float] = []  # of the finished steps
        self.average = AveragedModel(model, device_of(model), multi_avg_fn=self._follow)
        self.optimizers = Optimizers(model, recipe)
        self.cpu_seconds = 0.0  # of this process, for the finished steps

    @torch.no_grad()
    def _follow(self, averages: Sequence[Tensor], values: Sequence[Tensor], count: Tensor | int) -> None:
        decay = min(self.recipe.ema, (1 + int(count)) / (10 + int(count)))
        torch._foreach_lerp_(list(averages), list(values), 1 - decay)

    def state_dict(self) -> dict[str, Any]:
        return {
            "losses": self.losses,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "cpu_seconds": self.cpu_seconds,
            **self.optimizers.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.losses = list(state["losses"])
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizers.load_state_dict(state)
        self.cpu_seconds = state.get("cpu_seconds", 0.0)  # older checkpoints do not say


def fit(training: Training, batches: Batches, backward: Backward) -> Iterator[Step]:
    """Trains one step per `next`, from the current state; at the end the model gets the averaged weights.

    Raises LutraError if the loss is not finite.
    """
    model, recipe = training.model, training.recipe
    for step in range(len(training.losses), recipe.steps):
        start, rate = time.process_time(), recipe.learning_rate_at(step)
        model.train()
        model.zero_grad(set_to_none=True)
        with mixed_precision(recipe.amp, device_of(model)):
            loss = backward(step, *batches(step))
        if not math.isfinite(loss):
            raise LutraError(f"the loss is {loss} at step {step}, learning rate {rate:.3g}: try a smaller one")
        training.optimizers.step(rate)
        training.average.update_parameters(model)
        training.losses.append(loss)
        training.cpu_seconds += time.process_time() - start
        yield Step(step, loss, rate)
    model.load_state_dict(training.average.module.state_dict())


def mixed_precision(wanted: bool | None, device: torch.device) -> torch.autocast:
    """bfloat16 for convolutions and matrix products (Kalamkar et al. 2019); weights stay in float32.

    None: if the device's processor supports it without emulation.
    """
    if wanted is None and device.type == "cuda":
        wanted = torch.cuda.is_bf16_supported(including_emulation=False)
    if wanted is None:
        wanted = torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted)


def cross_entropy(model: nn.Module, smoothing: float) -> Backward:
    """Label-smoothed cross entropy (Szegedy et al. 2016)."""

    def backward(step: int, images: Tensor, labels: Tensor) -> float:
        loss = F.cross_entropy(model(images), labels, label_smoothing=smoothing)
        loss.backward()
        return loss.item()

    return backward
