"""Tests pruning, distillation, quantization and parity."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from compress.files.parity import check_parity, file_logits, parity
from compress.pruning.prune import prune_uniformly
from compress.weights.finetune import distillation
from search_spaces.errors import LutraError
from search_spaces.networks.evaluation import calibrate
from search_spaces.networks.network import Network
from search_spaces.networks.onnx_writer import write
from search_spaces.training.loop import Recipe, Training, cross_entropy, fit
from tests.networks import GRAPHS, images, lively, pixels


@pytest.fixture
def network() -> Network:
    return lively()


# distillation


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


def test_a_copy_of_the_teacher_learns_nothing_whatever_images_its_statistics_are_of(network: Network) -> None:
    """Student and teacher both normalise by the batch's statistics."""
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


def test_a_student_learns_from_a_teacher_that_does_not_change(network: Network) -> None:
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


# parity


def test_torch_and_onnxruntime_agree(network: Network) -> None:
    model = write(network.specs, network.folded())
    assert 0 <= check_parity(network, model, pixels()) == parity(network, model, pixels()) < 1e-4


@pytest.mark.parametrize("value", [0.5, float("nan")])
def test_another_file_is_refused(network: Network, value: float) -> None:
    weights = network.folded()
    weights[0][0][0][0] += value
    with pytest.raises(LutraError, match="output differs"):
        check_parity(network, write(network.specs, weights), pixels())


def test_logits_do_not_depend_on_the_batches(network: Network) -> None:
    model = write(network.specs, network.folded())
    whole = file_logits(model, images(GRAPHS["reference"], 30), batch=30)
    np.testing.assert_allclose(
        file_logits(model, images(GRAPHS["reference"], 30), batch=7), whole, rtol=1e-4, atol=1e-5
    )
