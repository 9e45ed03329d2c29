"""The sandwich rule with in-place distillation: Yu et al. 2020, "BigNAS", section 3."""

from __future__ import annotations

from random import Random

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.space import Arch, SearchSpace
from search_spaces.training.loop import Backward


def networks(space: SearchSpace, seed: int, step: int, middle: int = 2) -> list[Arch]:
    """The networks that learn in a step: the largest, the smallest, and `middle` random ones."""
    rng = Random(f"sandwich {seed} {step}")
    return [space.largest, space.smallest, *(space.sample(rng) for _ in range(middle))]


def sandwich(supernet: nn.Module, space: SearchSpace, smoothing: float, seed: int, middle: int = 2) -> Backward:
    """The largest network learns the labels; the smallest and `middle` random ones learn the largest one's output.

    Returns the largest network's loss. All activations are held until one joint backward pass.
    """

    def backward(step: int, images: Tensor, labels: Tensor) -> float:
        logits, *others = supernet(images, *networks(space, seed, step, middle))
        loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
        soft = logits.detach().softmax(1)
        distilled = [F.cross_entropy(other, soft) for other in others]
        torch.stack([loss, *distilled]).sum().backward()
        return loss.item()

    return backward
