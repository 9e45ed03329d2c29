"""Single weights made zero by their magnitude, more and more of them while the network trains (Zhu & Gupta 2017).

Cut are the 1x1 convolutions and the linear layer, each to the same fraction. The stem and the depthwise kernels stay
dense: they are 6 % of the weights of `mobile`'s reference, and 70 % of its depthwise kernels cut at once cost 9 points
of accuracy (70 % of all others: 12). While the schedule runs, the masks are buffers of the layers that they cut, so
that a checkpoint has them; `sparsified` makes them zeros. From then on the zeros are the masks: `holding_zeros` keeps
them in any later training, and they pass exactly through batch-norm folding and symmetric INT8.
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

Pattern = Callable[[Tensor, float], Tensor]  # weight, sparsity -> the mask of what stays, bool, of the weight's shape


@dataclass(frozen=True)
class Schedule:
    """How the fraction of zeros grows, as a cubic, fast at first (Zhu & Gupta 2017, equation 1, from no zeros)."""

    sparsity: float  # fraction of each cut layer's weights that are zero in the end
    steps: int  # of the training
    begin: float = 0.0  # fraction of the steps
    end: float = 0.6  # fraction of the steps; what is left heals the last cut
    every: int = 1  # steps between two cuts

    def __post_init__(self) -> None:
        _check(self.sparsity, smallest)
        if not (0 <= self.begin <= self.end < 1 and self.every >= 1 and self.steps >= 1):
            raise LutraError(
                f"weights are cut from {self.begin} to {self.end} of {self.steps} steps, every {self.every}: "
                "give 0 <= begin <= end < 1, and at least 1 step"
            )

    @property
    def first(self) -> int:
        return int(self.begin * self.steps)

    @property
    def last(self) -> int:
        return int(self.end * self.steps)

    def at(self, step: int) -> float:
        """The fraction of zeros that a cut at this step leaves."""
        if step < self.first:
            return 0.0
        if step >= self.last:
            return self.sparsity
        done = (step - self.first) / (self.last - self.first)
        return self.sparsity * (1 - (1 - done) ** 3)

    def cuts(self, step: int) -> bool:
        """Whether weights are cut before this step's gradients: every so many steps, and with the last step of all."""
        return step == self.last or (self.first <= step < self.last and (step - self.first) % self.every == 0)


def smallest(weight: Tensor, sparsity: float) -> Tensor:
    """All but the smallest magnitudes of a layer, wherever they are; of equal ones the first stay."""
    order = weight.detach().abs().flatten().argsort(descending=True, stable=True)
    mask = torch.zeros(weight.numel(), dtype=torch.bool, device=weight.device)
    mask[order[: weight.numel() - round(sparsity * weight.numel())]] = True
    return mask.view(weight.shape)


def two_of_four(weight: Tensor, sparsity: float) -> Tensor:
    """Of every four weights along the input dimension the two largest (Mishra et al. 2021), which GPUs multiply fast.

    The sparsity is a half, as in the paper, also at a schedule's first cut. Layers whose input dimension is no
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
    """A copy that is cut at once, without training: the start of Mishra et al.'s recipe, which finetunes it after."""
    sparse = copy.deepcopy(network)
    _check(sparsity, pattern)
    for layer in cut_layers(sparse):
        layer.weight.data.mul_(pattern(layer.weight, sparsity))
    return sparse


def sparsifying(backward: Backward, network: Network, schedule: Schedule, pattern: Pattern = smallest) -> Backward:
    """`backward`, with weights cut as the schedule says; a cut weight is zero in it and has no gradient.

    To be called before the network's `Training` is made, since it adds the masks to the network; after the last step
    `sparsified` takes them off. What is cut stays cut. Raises LutraError where 2:4 is asked for another sparsity.
    """
    _check(schedule.sparsity, pattern)
    layers = cut_layers(network)
    masks = [torch.ones_like(layer.weight, dtype=torch.bool) for layer in layers]
    for layer, mask in zip(layers, masks):
        layer.register_buffer("mask", mask)

    def sparse(step: int, images: Tensor, labels: Tensor) -> float:
        for layer, mask in zip(layers, masks):
            layer.weight.data.mul_(mask)  # momentum has moved what was cut
            if schedule.cuts(step):
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
        raise LutraError(f"2:4 masks cut exactly half of the weights, not {sparsity:g} of them: give sparsity=0.5")


def sparsified(network: Network) -> Network:
    """A copy of a network that `sparsifying` has trained, whose cut weights are exactly zero, without masks."""
    sparse = copy.deepcopy(network)
    for layer in cut_layers(sparse):
        for mask in list(layer.buffers(recurse=False)):
            layer.weight.data.mul_(mask)
            del layer.mask
    return sparse


def holding_zeros(backward: Backward, model: nn.Module) -> Backward:
    """`backward`, in which a weight of a convolution or linear layer that is exactly zero has no gradient.

    So momentum, weight decay and the average leave it at zero: the zeros of a `sparsified` model survive a training
    that begins from them. Vectors (biases, batch norm) are let alone: theirs begin at zero.
    """

    def holding(step: int, images: Tensor, labels: Tensor) -> float:
        loss = backward(step, images, labels)
        for parameter in model.parameters():
            if parameter.ndim > 1 and parameter.grad is not None:
                parameter.grad.masked_fill_(parameter.detach() == 0, 0)
        return loss

    return holding


def sparsity(network: Network) -> float:
    """The fraction of zeros among the weights of the layers that are cut; `zeros` of a file counts all weights."""
    weights = [layer.weight for layer in cut_layers(network)]
    return sum(int((weight == 0).sum()) for weight in weights) / sum(weight.numel() for weight in weights)


def cut_layers(network: Network) -> list[nn.Conv2d | nn.Linear]:
    """The 1x1 convolutions and linear layers."""
    return [
        module
        for module in network.modules()
        if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1))
    ]
