"""experiment=small trains for passes over a user's images, so its steps follow from their number."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.config import Config
from experiments.config import command as command_line
from experiments.setup.images import dataset_of
from experiments.setup.recipes import recipes
from tests.experiments.image_files import photo, write_photos

Compose = Callable[..., Config]
PASSES = {"train": 40, "retrain": 60, "compress.finetune": 20, "compress.qat": 6}


@pytest.fixture
def compose(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Compose:
    """Returns the configuration that a command gets for its arguments."""

    def composed(*arguments: str) -> Config:
        got: list[Config] = []
        monkeypatch.setattr(sys, "argv", ["command", f"runs={tmp_path / 'runs'}", "experiment=small", *arguments])
        command_line.run(got.append)
        return got[0]

    return composed


def tree(root: Path, each: int) -> Path:
    """Writes two classes of images."""
    first = [photo(seed) for seed in range(each)]
    return write_photos(root, cat=first, dog=[photo(seed) for seed in range(1_000, 1_000 + each)])


@pytest.mark.parametrize("each", [10, 40])
def test_every_training_is_as_many_steps_as_the_images_need(each: int, compose: Compose, tmp_path: Path) -> None:
    config = compose(f"data.path={tree(tmp_path / 'own', each)}", "data.size=16", "train.batch=4")
    images, found = len(dataset_of(config.data).train.labels), dict(recipes(config))
    assert {*found} == {*PASSES}
    for name, passes in PASSES.items():
        assert found[name].steps == max(1, round(passes * images / found[name].batch))


def test_a_relative_path_begins_where_the_command_is_typed(
    compose: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path / "elsewhere" / "own", 10)
    monkeypatch.chdir(tmp_path / "elsewhere")
    config = compose("data.path=own", "data.size=16")
    assert dataset_of(config.data).classes == ("cat", "dog")


def test_a_preset_without_images_waits_for_a_path(compose: Compose) -> None:
    """Commands that only look need no images."""
    assert compose().data.path == ""


def test_a_missing_folder_is_one_line(compose: Compose, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        compose("data.path=nowhere")
    (line,) = capsys.readouterr().err.splitlines()
    assert stopped.value.code == 2
    assert line.startswith("error: there is no folder or archive 'nowhere'")
