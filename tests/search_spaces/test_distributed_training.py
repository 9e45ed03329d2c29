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


def in_two_processes(work: Callable[..., None], *arguments: object) -> None:
    """Runs `work` in two processes with the environment that torchrun gives its own.

    They are forked from a server that has computed no gradient: torch refuses some of them in a fork of this process.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([__name__])
    processes = [server.Process(target=one, args=(number, port, work, *arguments)) for number in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]


def one(process: int, port: int, work: Callable[..., None], *arguments: object) -> None:
    own = {"RANK": str(process), "LOCAL_RANK": str(process), "WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "tests"}
    os.environ.update(own, MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), GLOO_SOCKET_IFNAME="lo")
    work(*arguments)


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


def train(runs: Path) -> None:
    choices.SPACES["tiny"] = smallest_space
    os.environ["HYDRA_FULL_ERROR"] = "1"
    words = ["experiment=smoke", "threads=1", "train.learning_rate=0.01", "train.amp=false", f"runs={runs}"]
    words += ["train.steps=3", "search.calibration=16", "search.validation=16"]  # images for curves of validation
    sys.argv = ["experiments.train", *words]
    command.run("experiments.steps.plan:train")


def test_two_processes_have_the_loss_curve_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The losses agree step by step at first; batch norms double the rounding error at every step."""
    monkeypatch.setitem(choices.SPACES, "tiny", smallest_space)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.setattr(sys, "argv", [])
    train(tmp_path / "one")
    in_two_processes(train, tmp_path / "two")
    assert len(list(tmp_path.glob("two/train/*/supernet.safetensors"))) == 1
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
