"""Finetuning after pruning, on the labels and the outputs of the unpruned network.

The loss is for `fit` in `search_spaces.training.loop`; without a teacher, use `cross_entropy` from there.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from search_spaces.training.loop import Backward


def distillation(
    network: nn.Module, teacher: nn.Module, temperature: float, weight: float, smoothing: float
) -> Backward:
    """(1 - weight) * cross entropy + weight * T^2 * KL(teacher || network), both softened by T (Hinton et al. 2015).

    T^2 keeps the size of the soft gradients constant. The teacher is not trained, and normalises by the batch like the
    student: with statistics of unaugmented images, it would teach the difference.
    """
    teacher.train()
    for norm in teacher.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.track_running_stats = False

    def backward(step: int, images: Tensor, labels: Tensor) -> float:
        with torch.no_grad():
            target = F.log_softmax(teacher(images) / temperature, 1)
        logits = network(images)
        hard = F.cross_entropy(logits, labels, label_smoothing=smoothing)
        soft = F.kl_div(F.log_softmax(logits / temperature, 1), target, reduction="batchmean", log_target=True)
        loss = (1 - weight) * hard + weight * temperature**2 * soft
        loss.backward()
        return loss.item()

    return backward
