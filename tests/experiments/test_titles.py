"""data.title names the user's images in folders, TensorBoard, the page and the paper; it trains nothing again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from experiments.config import Config, DataConfig
from experiments.display import events
from experiments.steps import settings
from experiments.steps.settings import Alone, Images, Supernet
from experiments.store import artefacts
from experiments.store.step import Means, as_json
from paper import data_sets
from paper.setup_file import Setup
from search_spaces.spaces.tiny import tiny
from tests.experiments.asking import changed

TITLE = "Traffic signs, 12 classes"


def images(title: str) -> Images:
    return Images.of(DataConfig(title=title))


@pytest.mark.parametrize(
    ("title", "label"),
    [("", "digits"), (TITLE, "Traffic_signs_12_classes"), ("Ảnh của tôi", "Ảnh_của_tôi"), ("../..", "digits")],
)
def test_a_title_names_the_folders_and_changes_no_key(title: str, label: str) -> None:
    config = Config()
    for made in (
        lambda data: Supernet(tiny(1, 16, 10), data, 0, 1, config.train),
        lambda data: Alone(data, 0, 1, config.retrain, model="mobilenet_v2"),
    ):
        own, plain = made(images(title)), made(images(""))
        assert f"-{label}-seed0" in own.label
        assert as_json(own) == as_json(plain)


@pytest.mark.parametrize(
    ("place", "title", "label"),
    [
        ("Biển báo", "Biển báo", "Biển_báo"),
        ("signs.zip", "signs", "signs"),
        ("signs.v2.tar.gz/", "signs.v2", "signs.v2"),
        ("signs/.", "signs", "signs"),
    ],
)
def test_images_without_a_title_are_called_as_their_folder_or_archive_is(
    place: str, title: str, label: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everywhere: in folders' names, TensorBoard, tables, and in the record of a finished step's images."""
    monkeypatch.setattr(settings, "_files", lambda path, cache: "0" * 64)
    data = DataConfig("image_folder", f"{tmp_path}/{place}")
    config = replace(Config(), data=data)
    own = Supernet(tiny(3, 16, 10), Images.of(data), 0, 1, config.train)
    assert own.label == f"tiny-{label}-seed0"
    assert data.names.title == own.data.names.title == own.data.at(Means.of(config)).names.title == title
    named = Supernet(tiny(3, 16, 10), Images.of(replace(data, title="Signs")), 0, 1, config.train)
    assert as_json(own) == as_json(named)
    monkeypatch.chdir(tmp_path)
    assert DataConfig("image_folder", ".").names.title == tmp_path.name
    assert DataConfig("cifar10", f"{tmp_path}/{place}").names.title == "cifar10"


def test_a_long_title_makes_no_long_name() -> None:
    assert len(images("x" * 3000).label) <= 40


def test_a_step_is_found_under_another_title(tmp_path: Path) -> None:
    made = []

    def work(folder: Path) -> None:
        made.append(folder)
        artefacts.write(folder / "result", "1")

    def step(label: str, seed: int) -> Path:
        return artefacts.step(tmp_path, "train", label, {"seed": seed}, {}, work)

    first = step("tiny-image_folder-seed0", 0)
    assert step("tiny-Signs-seed0", 0) == first
    assert step("tiny-Signs-seed1", 1).name.startswith("tiny-Signs-seed1-")
    assert len(made) == 2


def test_tensorboard_and_the_paper_have_the_title(tmp_path: Path) -> None:
    with events.writer(tmp_path) as board:
        events.show_hparams(board, changed(Config(), "data.title", TITLE), {})
    found = EventAccumulator(str(tmp_path))
    found.Reload()
    content = found.summary_metadata[metadata.SESSION_START_INFO_TAG].plugin_data.content
    assert metadata.parse_session_start_info_plugin_data(content).hparams["data"].string_value == TITLE
    values = {"data": "image_folder", "data_file": "signs.zip", "data_title": "Signs & more"}
    assert data_sets.source(Setup(tmp_path, values)) == r"Signs \& more"
    assert data_sets.source(Setup(tmp_path, values | {"data_title": ""})) == "signs"
