"""Single-path one-shot training: Guo et al. 2020, section 3.2. Depth is drawn uniformly, then each layer's option."""

from __future__ import annotations

from random import Random

import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.space import SearchSpace
from search_spaces.training.loop import Backward


def single_path(supernet: nn.Module, space: SearchSpace, smoothing: float, seed: int) -> Backward:
    """One random network per step learns the labels. Returns its loss."""

    def backward(step: int, images: Tensor, labels: Tensor) -> float:
        arch = space.sample(Random(f"single path {seed} {step}"))
        loss = F.cross_entropy(supernet(images, arch), labels, label_smoothing=smoothing)
        loss.backward()
        return loss.item()

    return backward
