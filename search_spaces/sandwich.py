"""The sandwich rule with in-place distillation: Yu et al. 2020, "BigNAS", section 3."""

from __future__ import annotations

import contextlib
from random import Random
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from search_spaces.space import SearchSpace
from search_spaces.training import Backward


def sandwich(supernet: nn.Module, space: SearchSpace, smoothing: float, seed: int, middle: int = 2) -> Backward:
    """The largest network learns the labels, the smallest and `middle` random ones learn the largest one's output.

    Gives the largest network's loss. Where several processes train, gradients are exchanged with the last backward.
    """

    def backward(step: int, images: Tensor, labels: Tensor) -> float:
        rng = Random(f"sandwich {seed} {step}")
        with unsynchronised(supernet):
            logits = supernet(images, space.largest)
            loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
            loss.backward()
            soft = logits.detach().softmax(1)
            *inner, last = space.smallest, *(space.sample(rng) for _ in range(middle))
            for arch in inner:
                F.cross_entropy(supernet(images, arch), soft).backward()
        F.cross_entropy(supernet(images, last), soft).backward()
        return loss.item()

    return backward


def unsynchronised(model: nn.Module) -> contextlib.AbstractContextManager[Any]:
    """Where gradients stay with their process."""
    return model.no_sync() if isinstance(model, DistributedDataParallel) else contextlib.nullcontext()
