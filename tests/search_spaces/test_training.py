"""Tests training: fast gradients equal slow ones, and restored or distributed training gives the same result."""

from __future__ import annotations

import copy
import multiprocessing
import os
import re
import socket
import sys
from collections.abc import Callable
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn

from experiments.compute import process_group
from experiments.compute.resumable_training import restore, save
from experiments.config import command
from search_spaces.errors import LutraError
from search_spaces.networks.convolution import conv2d
from search_spaces.networks.evaluation import accuracy
from search_spaces.networks.network import Network
from search_spaces.networks.supernet import Supernet
from search_spaces.spaces.tiny import tiny
from search_spaces.training.loop import Backward, Recipe, Training, cross_entropy, fit, mixed_precision
from search_spaces.training.rules.sandwich import sandwich
from search_spaces.training.rules.single_path import single_path
from tests.networks import nonzero

SPACE = tiny(1, 8, 2)
RECIPE = Recipe(6, 16, 0.05)


def batch(step: int) -> tuple[Tensor, Tensor]:
    """Returns noisy 8x8 images; the label says which half is brighter."""
    draw = torch.Generator().manual_seed(step)
    labels = torch.randint(2, (16,), generator=draw)
    x = torch.randn(16, 1, 8, 8, generator=draw)
    x[labels == 1, :, :, 4:] += 1.5
    x[labels == 0, :, :, :4] += 1.5
    return x, labels


def supernet() -> Supernet:
    torch.manual_seed(0)
    return Supernet(SPACE)


# the loop


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


# gradients


@settings(max_examples=60)
@given(st.sampled_from([1, 3, 5, 7]), st.sampled_from([1, 2]), st.integers(1, 9), st.integers(1, 3))
def test_depthwise_gradients_are_those_of_the_convolution(kernel: int, stride: int, pixels: int, images: int) -> None:
    draw = torch.Generator().manual_seed(pixels)
    x = torch.randn(images, 4, pixels, pixels, dtype=torch.float64, generator=draw, requires_grad=True)
    weight = torch.randn(4, 1, kernel, kernel, dtype=torch.float64, generator=draw, requires_grad=True)
    ours, plain = conv2d(x, weight, stride, 4), F.conv2d(x, weight, None, stride, kernel // 2, 1, 4)
    assert torch.equal(ours, plain)
    upstream = torch.randn(plain.shape, dtype=torch.float64, generator=draw)
    for one, other in zip(*(torch.autograd.grad(y, (x, weight), upstream) for y in (ours, plain))):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("groups", [1, 64])
def test_gradients_of_one_pixel_are_finite_and_those_of_its_tap(kernel: int, stride: int, groups: int) -> None:
    """oneDNN's in bfloat16 are sometimes NaN."""
    x = torch.randn(32, 64, 1, 1, generator=torch.Generator().manual_seed(0))
    weight = torch.randn(64, 64 // groups, kernel, kernel, generator=torch.Generator().manual_seed(1)).requires_grad_()
    plain = F.conv2d(x, weight, None, stride, kernel // 2, 1, groups)
    torch.testing.assert_close(conv2d(x, weight, stride, groups), plain)
    expected = torch.autograd.grad(plain.square().sum(), weight)[0]
    for _ in range(20):
        with torch.autocast("cpu", torch.bfloat16):
            loss = conv2d(x, weight, stride, groups).float().square().sum()
        (found,) = torch.autograd.grad(loss, weight)
        torch.testing.assert_close(found, expected, rtol=0.05, atol=0.05 * expected.abs().max().item())


def test_bfloat16_gradients_point_the_same_way() -> None:
    model, (x, labels) = supernet(), batch(0)
    gradients = []
    for wanted in (False, True):
        model.zero_grad()
        with mixed_precision(wanted, x.device):
            F.cross_entropy(model(x, SPACE.largest), labels).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    assert F.cosine_similarity(*gradients, dim=0) > 0.98
    assert not torch.equal(*gradients)


# what is kept


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


# rules


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


# several processes


def in_two_processes(work: Callable[[], None]) -> None:
    """Runs `work` in two processes with the environment that torchrun gives its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def one(process: int) -> None:
        own = {"RANK": str(process), "LOCAL_RANK": str(process), "WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "tests"}
        os.environ.update(own, MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), GLOO_SOCKET_IFNAME="lo")
        work()

    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=one, args=(number,)) for number in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]


def halves() -> None:
    model = supernet().double()
    images, labels = batch(0)
    images = images.double()
    alone = sandwich(model, SPACE, 0.1, 3)(0, images, labels)
    expected = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    model.zero_grad()
    with process_group.joined(torch.device("cpu")):
        assert process_group.size() == 2
        step = sandwich(process_group.parallel(model), SPACE, 0.1, 3)
        loss = process_group.mean(step(0, *process_group.part(images, labels)))
    torch.testing.assert_close(loss, alone)
    torch.testing.assert_close([p.grad for p in model.parameters()], expected)


def test_two_halves_of_a_batch_give_the_gradients_of_the_whole() -> None:
    in_two_processes(halves)


def test_two_processes_have_the_loss_curve_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The losses agree step by step at first; batch norms double the rounding error at every step."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")

    def train(folder: str) -> None:
        runs = f"runs={tmp_path / folder}"
        words = ["experiment=smoke", "threads=1", "train.learning_rate=0.01", "train.amp=false", runs]
        words += ["train.steps=3", "search.calibration=16", "search.validation=16"]  # images for curves of validation
        monkeypatch.setattr(sys, "argv", ["experiments.train", *words])
        command.run("experiments.steps.plan:train")
        sys.stdout.flush()

    train("one")
    capfd.readouterr()
    in_two_processes(lambda: train("two"))
    assert capfd.readouterr().out.strip().endswith("supernet.safetensors")
    curves = []
    for folder in tmp_path.glob("*/train/*"):
        events = EventAccumulator(str(folder)).Reload()
        curves.append([event.value for event in events.Scalars("train/loss")])
    assert len(curves) == 2
    assert curves[0] == pytest.approx(curves[1], rel=1e-3)


def test_a_batch_that_cannot_be_shared_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_group, "size", lambda: 2)
    with pytest.raises(LutraError, match=r"15 images cannot be shared by 2 processes: change train\.batch"):
        process_group.check(15)
