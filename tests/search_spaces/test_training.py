"""Tests the training loop: it learns, it repeats, it is restored, and it keeps the average of the weights."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from experiments.compute.resumable_training import restore, save
from search_spaces.errors import LutraError
from search_spaces.networks.evaluation import accuracy
from search_spaces.networks.network import Network
from search_spaces.networks.supernet import Supernet
from search_spaces.training.loop import Backward, Recipe, Training, cross_entropy, fit
from search_spaces.training.rules.sandwich import sandwich
from tests.search_spaces.bright_halves import RECIPE, SPACE, batch, supernet


@given(st.integers(10, 500), st.floats(0, 0.5))
def test_learning_rate_rises_to_its_peak_and_falls_to_zero(steps: int, warmup: float) -> None:
    recipe = Recipe(steps, 8, 0.3, warmup=warmup)
    rates = [recipe.learning_rate_at(step) for step in range(steps + 1)]
    peak = rates.index(max(rates))
    assert max(rates) == pytest.approx(0.3)
    assert rates[0] > 0
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    assert rates == sorted(rates[:peak]) + sorted(rates[peak:], reverse=True)


def trained(make: Callable[[], nn.Module], backward: Callable[[nn.Module], Backward]) -> tuple[nn.Module, list[float]]:
    torch.manual_seed(0)
    model = make()
    return model, [step.loss for step in fit(Training(model, Recipe(15, 16, 0.05)), batch, backward(model))]


LESSONS: dict[str, tuple[Callable[[], nn.Module], Callable[[nn.Module], Backward]]] = {
    "cross_entropy": (lambda: Network(SPACE.decode(SPACE.reference)), lambda model: cross_entropy(model, 0.1)),
    "sandwich": (lambda: Supernet(SPACE), lambda model: sandwich(model, SPACE, 0.1, seed=3)),  # type: ignore[arg-type]
}


@cache
def learned(lesson: str) -> tuple[nn.Module, list[float]]:
    """Returns a trained model and its losses, shared by several tests."""
    return trained(*LESSONS[lesson])


@pytest.mark.parametrize("lesson", LESSONS)
def test_training_learns_and_repeats_bit_for_bit(lesson: str) -> None:
    model, losses = learned(lesson)
    again, same = trained(*LESSONS[lesson])
    assert losses[0] > 0.6
    assert np.mean(losses[-3:]) < 0.75 * losses[0]
    assert losses == same
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def test_the_sandwich_reaches_the_smallest_network() -> None:
    model = copy.deepcopy(learned("sandwich")[0])
    assert isinstance(model, Supernet)
    x, labels = batch(100)
    for arch in (SPACE.smallest, SPACE.largest):
        assert accuracy(model(x, arch), labels) > 0.8


def test_a_loss_that_is_no_number_ends_the_training() -> None:
    model = LESSONS["cross_entropy"][0]()

    def broken(step: int) -> tuple[Tensor, Tensor]:
        x, labels = batch(step)
        return x * (1 if step < 2 else float("nan")), labels

    steps = fit(Training(model, Recipe(5, 16, 0.05)), broken, cross_entropy(model, 0))
    assert [next(steps).step, next(steps).step] == [0, 1]
    before = {name: value.clone() for name, value in model.named_parameters()}
    with pytest.raises(LutraError, match=re.escape("the loss is nan at step 2")):
        next(steps)
    assert all(torch.equal(value, before[name]) for name, value in model.named_parameters())


def test_the_average_follows_the_weights_and_is_what_is_kept() -> None:
    model = supernet()
    training = Training(model, RECIPE)
    average: dict[str, Tensor] = {}
    for step in fit(training, batch, sandwich(model, SPACE, 0.1, 0)):
        decay = min(RECIPE.ema, (1 + step.step) / (10 + step.step)) if average else 0.0
        for name, value in model.named_parameters():
            average[name] = decay * average.get(name, torch.zeros(())) + (1 - decay) * value.detach()
    for name, value in model.named_parameters():
        torch.testing.assert_close(value.detach(), average[name])


def test_without_decay_the_last_weights_are_kept() -> None:
    model = supernet()
    steps = fit(Training(model, Recipe(3, 16, 0.05, ema=0)), batch, sandwich(model, SPACE, 0.1, 0))
    for _ in islice(steps, 3):
        last = {name: value.clone() for name, value in model.state_dict().items()}
    assert not list(steps)
    torch.testing.assert_close(model.state_dict(), last, rtol=0, atol=0)


@cache
def undisturbed() -> tuple[Supernet, list[float]]:
    whole = supernet()
    return whole, [step.loss for step in fit(Training(whole, RECIPE), batch, sandwich(whole, SPACE, 0.1, 0))]


@pytest.mark.parametrize("cut", [1, 4, 6])
def test_a_restored_training_is_the_same_training(cut: int, tmp_path: Path) -> None:
    whole, losses = undisturbed()
    first = supernet()
    begun = Training(first, RECIPE)
    for _ in islice(fit(begun, batch, sandwich(first, SPACE, 0.1, 0)), cut):
        pass
    save(begun, tmp_path / "checkpoint")
    torch.manual_seed(1)
    second = Supernet(SPACE)
    resumed = Training(second, RECIPE)
    restore(resumed, tmp_path / "checkpoint")
    rest = [step.loss for step in fit(resumed, batch, sandwich(second, SPACE, 0.1, 0))]
    assert rest == losses[cut:]
    assert resumed.losses == losses
    torch.testing.assert_close(second.state_dict(), whole.state_dict(), rtol=0, atol=0)
