"""Tests training in several processes."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from experiments.compute import process_group
from search_spaces.errors import LutraError
from search_spaces.training.rules.sandwich import sandwich
from tests.commands import ROOT, SMOKE, Command
from tests.search_spaces.bright_halves import SPACE, batch, supernet

FORKED = """
import os, sys
other = os.fork()
rank = str(int(other == 0))
own = {{"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "tests"}}
os.environ.update(own, MASTER_ADDR="127.0.0.1", MASTER_PORT="{port}", GLOO_SOCKET_IFNAME="lo")
ended = os._exit
os._exit = lambda code: ended(code or (other and os.waitpid(other, 0)[1] and 1))  # of both, the worse
"""
HALVES = """
sys.path.append({root!r})
from tests.search_spaces.test_distributed_training import halves
halves()
os._exit(0)
"""


def forked() -> str:
    """Code by which a command becomes two processes, with the environment that torchrun gives its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return FORKED.format(port=free.getsockname()[1])


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


def test_two_halves_of_a_batch_give_the_gradients_of_the_whole(command: Command) -> None:
    done = command("train", before=forked() + HALVES.format(root=str(ROOT)))
    assert done.code == 0, done.err


def test_two_processes_have_the_loss_curve_of_one(command: Command, tmp_path: Path) -> None:
    """The losses agree step by step at first; batch norms double the rounding error at every step."""
    words = [*SMOKE, "train.steps=3", "train.learning_rate=0.01", "train.amp=false"]
    words += ["search.calibration=16", "search.validation=16"]  # images for curves of validation
    for name, before in (("one", ""), ("two", forked())):
        done = command("train", *words, f"runs={tmp_path / name}", before=before)
        assert done.code == 0, done.err
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
