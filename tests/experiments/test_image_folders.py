"""Tests folders of one's own images."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.steps.plan import search
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import dump
from search_spaces.spaces.tiny import tiny
from tests.commands import Command, Finished
from tests.experiments.made_up_table import made_up_table
from tests.experiments.outcomes import Refused, one_line


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Twelve pictures of each of three classes, which differ in colour."""
    rng = np.random.default_rng(0)
    for channel, name in enumerate(("red", "green", "blue")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for index in range(12):
            pixels = rng.integers(0, 128, (20, 24, 3), dtype=np.uint8)
            pixels[..., channel] += 100
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{index}.png")
    return tmp_path / "images"


def test_ones_own_images_are_searched_on(
    images: Path, table: LatencyTable, finished: Finished, command: Command, tmp_path: Path
) -> None:
    space = tiny(3, 16, 3)
    path = tmp_path / "table.json"
    path.write_text(dump(made_up_table(space, table.passport)))
    own = ("data=image_folder", f"data.path={images}", "data.size=16", f"table={path}")
    done = command("search", *finished.arguments, f"runs={tmp_path / 'runs'}", *own)
    assert (done.code, done.err) == (0, "")
    (winner,) = (tmp_path / "runs").glob("search/tiny-images-evolution-*/winner.json")
    space.check(tuple(json.loads(winner.read_text())["arch"]))


def test_bad_image_folders_are_named(images: Path, command: Command, refused: Refused, tmp_path: Path) -> None:
    own = ("data=image_folder", "data.size=16")
    (tmp_path / "empty").mkdir()
    assert "has no images" in refused(search, *own, f"data.path={tmp_path / 'empty'}")
    shutil.copytree(images / "red", tmp_path / "one" / "red")
    assert "two class folders" in refused(search, *own, f"data.path={tmp_path / 'one'}")
    (images / "green" / "3.png").write_bytes((images / "green" / "3.png").read_bytes()[:60])
    done = command("train", "experiment=smoke", *own, f"data.path={images}", f"runs={tmp_path / 'broken'}")
    assert done.code == 2
    assert "green/3.png cannot be read as an image" in one_line(done.err)
    left = [
        path for path in (tmp_path / "broken").rglob("*") if path.is_file() and path.name not in (".lock", ".seconds")
    ]
    assert not [path for path in left if path.parent != tmp_path / "broken" / "data"]  # the cached hashes
