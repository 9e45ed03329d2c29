"""Tests training in several processes."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from experiments.compute import process_group
from experiments.config import choices, command
from search_spaces.errors import LutraError
from search_spaces.training.rules.sandwich import sandwich
from tests.networks import smallest_space
from tests.search_spaces.bright_halves import SPACE, batch, supernet


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
    monkeypatch.setitem(choices.SPACES, "tiny", smallest_space)

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
