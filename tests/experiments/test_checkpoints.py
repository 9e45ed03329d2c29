"""Tests checkpoints: any damage is detected, and the checkpoint before the newest is used instead."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import torch
from torch import nn

from experiments.store import artefacts
from experiments.store.checkpoints import restore, save, saved
from search_spaces.errors import LutraError
from search_spaces.training.loop import Recipe, Training


def training(step: int = 0) -> Training:
    """Returns a training whose weights and losses depend on the step."""
    torch.manual_seed(step)
    made = Training(nn.Linear(16, 4), Recipe(steps=5, batch=4, learning_rate=0.1))
    made.losses = [float(step)] * step
    return made


def equal(one: Training, other: Training) -> bool:
    pairs = zip(one.model.parameters(), other.model.parameters(), strict=True)
    return one.losses == other.losses and all(torch.equal(a, b) for a, b in pairs)


def flip(content: bytes, rng: Random) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]


def cut(content: bytes, rng: Random) -> bytes:
    return content[: rng.randrange(len(content))]


def longer(content: bytes, rng: Random) -> bytes:
    return content + rng.randbytes(1 + rng.randrange(9))


def zeros(content: bytes, rng: Random) -> bytes:
    return bytes(len(content))


DAMAGE = (flip, cut, longer, zeros)


@pytest.mark.parametrize("damage", DAMAGE)
def test_no_damaged_checkpoint_is_loaded(damage: Callable[[bytes, Random], bytes], tmp_path: Path) -> None:
    path, rng = tmp_path / ".checkpoint", Random(damage.__name__)
    save(training(1), path)
    good = path.read_bytes()
    for _ in range(50):
        path.write_bytes(damage(good, rng))
        with pytest.raises(LutraError, match=rf"{path} is damaged; delete it"):
            restore(training(), path)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_checkpoint_is_replaced_by_the_one_before(
    damage: Callable[[bytes, Random], bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / ".checkpoint"
    save(training(1), path)
    save(training(2), path)
    path.write_bytes(damage(path.read_bytes(), Random(0)))
    resumed = training()
    restore(resumed, path)
    assert equal(resumed, training(1))
    assert capsys.readouterr().err.count("\n") == 1
    save(resumed, path)
    again = training()
    restore(again, path)
    assert equal(again, training(1))


def test_a_writer_killed_between_its_renames_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".checkpoint"
    save(training(1), path)
    monkeypatch.setattr(artefacts, "write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        save(training(2), path)
    assert saved(path)
    resumed = training()
    restore(resumed, path)
    assert equal(resumed, training(1))


def test_a_checkpoint_of_another_training_is_named_so(tmp_path: Path) -> None:
    path = tmp_path / ".checkpoint"
    save(Training(nn.Linear(3, 2), Recipe(steps=5, batch=4, learning_rate=0.1)), path)
    with pytest.raises(LutraError, match="to another training"):
        restore(training(), path)


def test_a_checkpoint_copied_from_another_training_is_refused(tmp_path: Path) -> None:
    """It is refused even where every shape is the same."""
    for name in ("train-1", "train-2"):
        (tmp_path / name).mkdir()
    save(training(1), tmp_path / "train-1" / ".checkpoint")
    shutil.copy(tmp_path / "train-1" / ".checkpoint", tmp_path / "train-2")
    with pytest.raises(LutraError, match=r"to another training \(train-1\)"):
        restore(training(), tmp_path / "train-2" / ".checkpoint")


def test_a_checkpoint_from_before_names_is_read(tmp_path: Path) -> None:
    path = tmp_path / ".checkpoint"
    save(training(1), path)
    payload = path.read_bytes().partition(b"\n")[2]
    path.write_bytes(hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload)
    restore(resumed := training(), path)
    assert equal(resumed, training(1))
