"""Tests distillation: the loss between a student and its teacher, and what the student learns."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from compress.pruning.prune import prune_uniformly
from compress.weights.finetune import distillation
from search_spaces.networks.evaluation import calibrate
from search_spaces.training.loop import Recipe, Training, cross_entropy, fit
from tests.networks import lively, pixels


class Logits(nn.Module):
    """Returns its parameter as the logits of any images."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, x: Tensor) -> Tensor:
        return self.logits


def test_without_weight_distillation_is_cross_entropy() -> None:
    values, labels = torch.randn(4, 10, generator=torch.Generator().manual_seed(0)), torch.tensor([1, 2, 3, 4])
    one, two, teacher = Logits(values), Logits(values.clone()), Logits(-values)
    distilled = distillation(one, teacher, temperature=3, weight=0, smoothing=0.1)(0, values, labels)
    assert distilled == pytest.approx(cross_entropy(two, 0.1)(0, values, labels))
    torch.testing.assert_close(one.logits.grad, two.logits.grad)


def test_the_teacher_has_nothing_to_teach_itself() -> None:
    values = torch.randn(4, 10, generator=torch.Generator().manual_seed(0))
    student = Logits(values)
    loss = distillation(student, Logits(values.clone()), 4, 1, 0)(0, values, torch.zeros(4, dtype=torch.long))
    assert loss == pytest.approx(0, abs=1e-6)
    assert student.logits.grad is not None
    assert student.logits.grad.abs().max() < 1e-6


def test_a_copy_of_the_teacher_learns_nothing_whatever_images_its_statistics_are_of() -> None:
    """Student and teacher both normalise by the batch's statistics."""
    network = lively()
    student = copy.deepcopy(calibrate(network, 3 + 2 * pixels(128))).train()
    distillation(student, network, temperature=2, weight=1, smoothing=0)(0, pixels(), torch.zeros(32, dtype=torch.long))
    assert max(parameter.grad.abs().max().item() for parameter in student.parameters()) < 1e-6  # type: ignore[union-attr]


def test_soft_gradients_keep_their_size_at_high_temperature() -> None:
    """Hinton et al. 2015, equation 4, times T^2: (z - v) / classes for centred logits."""
    draw = torch.Generator().manual_seed(0)
    ours, theirs = (torch.randn(4, 10, generator=draw) for _ in range(2))
    student = Logits(ours)
    distillation(student, Logits(theirs), 200, 1, 0)(0, ours, torch.zeros(4, dtype=torch.long))
    difference = ours - theirs
    expected = (difference - difference.mean(1, keepdim=True)) / 10 / 4  # classes, batch
    torch.testing.assert_close(student.logits.grad, expected, rtol=0.05, atol=5e-4)


def test_a_student_learns_from_a_teacher_that_does_not_change() -> None:
    network = lively()
    before = copy.deepcopy(network.state_dict())
    student = prune_uniformly(network, keep=0.5)
    backward = distillation(student, network.train(), temperature=2, weight=1, smoothing=0)
    labels = torch.zeros(32, dtype=torch.long)
    losses = [
        step.loss for step in fit(Training(student, Recipe(12, 32, 0.05)), lambda step: (pixels(), labels), backward)
    ]
    assert losses[-1] < 0.7 * losses[0]
    assert all(parameter.grad is None for parameter in network.parameters())
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)
