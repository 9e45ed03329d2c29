"""Tests the rules by which a step trains a supernet."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from search_spaces.training.rules.sandwich import sandwich
from search_spaces.training.rules.single_path import single_path
from tests.networks import nonzero
from tests.search_spaces.bright_halves import SPACE, batch, supernet


def test_a_single_path_step_trains_one_network() -> None:
    """The gradient is that of the drawn network, and every option is drawn over many steps."""
    model = nonzero(supernet())
    x, labels = batch(0)
    backward = single_path(model, SPACE, 0.1, seed=0)
    touched: set[str] = set()
    for step in range(8):
        model.zero_grad()
        backward(step, x, labels)
        touched |= {name for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert {name for name, p in model.named_parameters() if p.ndim > 1} <= touched


def test_a_sandwich_adds_the_gradients_of_four_networks() -> None:
    model, (x, labels) = supernet(), batch(0)
    calls: list[tuple[int, ...]] = []

    def spied(images: Tensor, *archs: tuple[int, ...]) -> Tensor:
        calls.extend(archs)
        return model(images, *archs)

    loss = sandwich(spied, SPACE, 0.1, seed=0)(0, x, labels)  # type: ignore[arg-type]
    assert calls[:2] == [SPACE.largest, SPACE.smallest]
    assert len(calls) == 4
    summed = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    model.zero_grad()
    soft = model(x, SPACE.largest).detach().softmax(1)
    labelled = F.cross_entropy(model(x, SPACE.largest), labels, label_smoothing=0.1)
    (labelled + sum(F.cross_entropy(model(x, arch), soft) for arch in calls[1:])).backward()
    assert loss == pytest.approx(labelled.item())
    torch.testing.assert_close(summed, [p.grad for p in model.parameters()], rtol=1e-4, atol=1e-6)
