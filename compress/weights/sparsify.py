"""Unstructured magnitude pruning that increases gradually during training (Zhu & Gupta 2017).

Prunes the 1x1 convolutions and the linear layer, each to the same fraction. The stem and the depthwise kernels stay
dense: they are only 6 % of the weights of `mobile`'s reference, but pruning 70 % of its depthwise kernels at once costs
9 points of accuracy, where pruning 70 % of all other weights costs 12 points. While the schedule runs, the masks are
buffers of the pruned layers, so that checkpoints include them; `sparsified` turns them into zeros. From then on the
zeros are the masks: `holding_zeros` preserves them in later training, and they survive batch-norm folding and symmetric
INT8 exactly.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from search_spaces.errors import LutraError
from search_spaces.networks.network import Network
from search_spaces.training.loop import Backward

Pattern = Callable[[Tensor, float], Tensor]  # (weight, sparsity) -> mask of kept weights, bool, of the weight's shape


@dataclass(frozen=True)
class Schedule:
    """The growth of the fraction of zeros: cubic, fast at first (Zhu & Gupta 2017, equation 1, from no zeros)."""

    sparsity: float  # final fraction of zeros in each pruned layer
    steps: int  # of the training
    begin: float = 0.0  # fraction of the steps
    end: float = 0.6  # fraction of the steps; the remaining steps recover from the last pruning
    every: int = 1  # steps between prunings

    def __post_init__(self) -> None:
        _check(self.sparsity, smallest)
        if not (0 <= self.begin <= self.end < 1 and self.every >= 1 and self.steps >= 1):
            raise LutraError(
                f"invalid pruning schedule: begin={self.begin}, end={self.end}, steps={self.steps}, "
                f"every={self.every}; need 0 <= begin <= end < 1, steps >= 1 and every >= 1"
            )

    @property
    def first(self) -> int:
        return int(self.begin * self.steps)

    @property
    def last(self) -> int:
        return int(self.end * self.steps)

    def at(self, step: int) -> float:
        """The fraction of zeros after pruning at this step."""
        if step < self.first:
            return 0.0
        if step >= self.last:
            return self.sparsity
        done = (step - self.first) / (self.last - self.first)
        return self.sparsity * (1 - (1 - done) ** 3)

    def prunes_at(self, step: int) -> bool:
        """Whether to prune before this step's gradients: every few steps, and at the end of the schedule."""
        return step == self.last or (self.first <= step < self.last and (step - self.first) % self.every == 0)


def smallest(weight: Tensor, sparsity: float) -> Tensor:
    """Keeps a layer's largest magnitudes; among equal ones, the first."""
    order = weight.detach().abs().flatten().argsort(descending=True, stable=True)
    mask = torch.zeros(weight.numel(), dtype=torch.bool, device=weight.device)
    mask[order[: weight.numel() - round(sparsity * weight.numel())]] = True
    return mask.view(weight.shape)


def two_of_four(weight: Tensor, sparsity: float) -> Tensor:
    """Keeps the two largest of every four weights along the input dimension (Mishra et al. 2021), for fast GPU kernels.

    The sparsity is one half, as in the paper, even at a schedule's first step. Layers whose input dimension is not a
    multiple of 4 stay dense.
    """
    if weight.shape[1] % 4:
        return torch.ones_like(weight, dtype=torch.bool)
    inputs_last = weight.detach().abs().movedim(1, -1)
    fours = inputs_last.reshape(*inputs_last.shape[:-1], -1, 4)
    rank = fours.argsort(dim=-1, descending=True, stable=True).argsort(dim=-1)
    return (rank < 2).reshape(inputs_last.shape).movedim(-1, 1)


PATTERNS: dict[str, Pattern] = {"smallest": smallest, "two_of_four": two_of_four}


def sparsify(network: Network, sparsity: float, pattern: Pattern = smallest) -> Network:
    """A copy of the network, pruned at once without training: Mishra et al.'s recipe starts so, and then finetunes."""
    sparse = copy.deepcopy(network)
    _check(sparsity, pattern)
    for layer in layers_to_prune(sparse):
        layer.weight.data.mul_(pattern(layer.weight, sparsity))
    return sparse


def sparsifying(backward: Backward, network: Network, schedule: Schedule, pattern: Pattern = smallest) -> Backward:
    """`backward`, with weights pruned by the schedule; a pruned weight is zero and has no gradient.

    Call it before creating the network's `Training`, because it adds the masks to the network; after the last step,
    `sparsified` removes them. Pruned weights stay pruned. Raises LutraError for 2:4 with a sparsity other than 0.5.
    """
    _check(schedule.sparsity, pattern)
    layers = layers_to_prune(network)
    masks = [torch.ones_like(layer.weight, dtype=torch.bool) for layer in layers]
    for layer, mask in zip(layers, masks):
        layer.register_buffer("mask", mask)

    def sparse(step: int, images: Tensor, labels: Tensor) -> float:
        for layer, mask in zip(layers, masks):
            layer.weight.data.mul_(mask)  # momentum has moved pruned weights
            if schedule.prunes_at(step):
                mask &= pattern(layer.weight, schedule.at(step))
                layer.weight.data.mul_(mask)
        loss = backward(step, images, labels)
        for layer, mask in zip(layers, masks):
            if layer.weight.grad is not None:
                layer.weight.grad.mul_(mask)
        return loss

    return sparse


def _check(sparsity: float, pattern: Pattern) -> None:
    if not 0 <= sparsity < 1:
        raise LutraError(f"sparsity is a fraction of the weights, at least 0 and below 1, not {sparsity}: try 0.5")
    if pattern is two_of_four and sparsity != 0.5:
        raise LutraError(f"2:4 masks prune exactly half of the weights, not {sparsity:g} of them: give sparsity=0.5")


def sparsified(network: Network) -> Network:
    """A copy of a network that `sparsifying` has trained, with pruned weights exactly zero, without masks."""
    sparse = copy.deepcopy(network)
    for layer in layers_to_prune(sparse):
        for mask in list(layer.buffers(recurse=False)):
            layer.weight.data.mul_(mask)
            del layer.mask
    return sparse


def holding_zeros(backward: Backward, model: nn.Module) -> Backward:
    """`backward`, with no gradient for weights of convolutions and linear layers that are exactly zero.

    Momentum, weight decay and averaging then leave them at zero, so the zeros of a `sparsified` model survive further
    training. Vectors (biases, batch norm) are trained as usual, because they may start at zero.
    """

    def holding(step: int, images: Tensor, labels: Tensor) -> float:
        loss = backward(step, images, labels)
        for parameter in model.parameters():
            if parameter.ndim > 1 and parameter.grad is not None:
                parameter.grad.masked_fill_(parameter.detach() == 0, 0)
        return loss

    return holding


def sparsity(network: Network) -> float:
    """The fraction of zeros among the weights of the pruned layers; `compress.files.size.zeros` counts all weights."""
    weights = [layer.weight for layer in layers_to_prune(network)]
    return sum(int((weight == 0).sum()) for weight in weights) / sum(weight.numel() for weight in weights)


def layers_to_prune(network: Network) -> list[nn.Conv2d | nn.Linear]:
    """The 1x1 convolutions and linear layers, which are pruned."""
    return [
        module
        for module in network.modules()
        if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1))
    ]
