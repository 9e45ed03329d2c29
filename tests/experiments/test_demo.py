"""Tests the demo command: every source, a video, and one-line errors."""

from __future__ import annotations

import re
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.spaces.tiny import tiny
from tests.commands import Here
from tests.experiments.demonstrations import DATA, MODEL, SPECS, Demo, demo_of, right, write_images


@pytest.fixture
def run(here: Here, tmp_path: Path) -> Demo:
    return demo_of(here, tmp_path)


def test_all_test_images_give_the_accuracy_of_the_file(run: Demo) -> None:
    total = len(DATA.test.labels)
    said = run().splitlines()[-1]
    assert said.startswith(f"{total} images, accuracy {100 * right() / total:.1f} % of {total}; latency median ")
    assert "ms, p90 " in said
    assert said.endswith(" frames/s from image to answer")


def test_a_folder_is_read_and_what_is_broken_is_told(run: Demo, tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images")
    (folder / "1" / "broken.png").write_bytes(b"no image")
    (folder / "unknown.png").write_bytes((folder / "0" / "0.png").read_bytes())
    (folder / "notes.txt").write_text("no image either")
    said = run(f"demo.source={folder}").splitlines()
    assert len(said) == 2
    assert said[0].startswith(f"skipped: {folder}/1/broken.png cannot be read as an image")
    assert said[1].startswith("7 images, accuracy ")
    assert "% of 6;" in said[1]


def test_one_image_is_classified(run: Demo, tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images")
    said = run(f"demo.source={folder}/1/0.png").splitlines()
    assert said[0].startswith("1 image, accuracy ")
    assert re.fullmatch(rf"({'|'.join(DATA.classes)}), \d+\.\d %", said[1])


@pytest.mark.parametrize("source", ["", "folder"])
def test_a_film_holds_every_image(run: Demo, tmp_path: Path, source: str) -> None:
    film = tmp_path / "films" / "demo.gif"
    given = f"demo.source={write_images(tmp_path / 'images')}" if source else "demo.source="
    assert str(film) in run(given, "demo.frames=5", f"demo.record={film}").replace("\n", "")
    with Image.open(film) as gif:
        assert (gif.n_frames, gif.size, gif.info["duration"]) == (5, (640, 360), 100)
        frames = []
        for index in range(5):
            gif.seek(index)
            frames.append(np.asarray(gif.convert("RGB").crop((0, 0, 350, 360))))
    assert all((one != other).any() for one, other in pairwise(frames))
    run(given, "demo.frames=5", f"demo.record={film}")
    with Image.open(film) as gif:
        for index, before in enumerate(frames):
            gif.seek(index)
            after = np.asarray(gif.convert("RGB").crop((0, 0, 350, 360)))
            assert np.abs(before.astype(int) - after).max() <= 8  # the palette also holds the colours of the times


def test_a_camera_and_an_mp4_are_opencvs(run: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenCV is replaced by a camera of five frames and a writer that counts."""
    film = tmp_path / "demo.mp4"
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.setitem(sys.modules, "picamera2", None)
    assert "picamera2 or OpenCV" in run("demo.source=camera", fails=True)
    assert "OpenCV is not installed, and an .mp4" in run(f"demo.record={film}", fails=True)
    frames = iter(np.full((5, 48, 64, 3), 255, np.uint8))
    written: list[np.ndarray] = []

    def writer(path: str, *_: object) -> object:
        Path(path).touch()
        return SimpleNamespace(isOpened=lambda: True, write=written.append, release=lambda: None)

    def read() -> tuple[bool, np.ndarray | None]:
        frame = next(frames, None)
        return frame is not None, frame

    capture = SimpleNamespace(isOpened=lambda: True, read=read, release=lambda: None)
    stand_in = SimpleNamespace(
        VideoCapture=lambda number: capture if number == 1 else SimpleNamespace(isOpened=lambda: False),
        VideoWriter=writer,
        VideoWriter_fourcc=lambda *letters: 0,
    )
    monkeypatch.setitem(sys.modules, "cv2", stand_in)
    assert "5 images, accuracy unknown" in run("demo.source=camera:1", f"demo.record={film}")
    assert (film.exists(), len(written), written[0].shape) == (True, 5, (360, 640, 3))
    assert "camera 0 cannot be opened" in run("demo.source=camera", fails=True)
    assert "there is no camera:x" in run("demo.source=camera:x", fails=True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["demo.model=none.onnx"], "there is no file 'none.onnx': leave demo.model out"),
        (["demo.model={tmp}/bad.onnx"], "bad.onnx is damaged"),
        (["demo.model={tmp}/block.onnx"], "demo.model must take [N, C, H, W]"),
        (["demo.model={tmp}/other.onnx"], "is for images of 1x16x16 and 7 classes, but digits has 1x16x16"),
        (["data.size=32"], "is for images of 1x16x16 and 10 classes, but digits has 1x32x32 and 10"),
        (["demo.source={tmp}/empty"], "empty has no images, ending in .jpg"),
        (["demo.source={tmp}/none"], "there is no folder or image"),
        (["demo.source={tmp}/broken"], "no image was classified"),
        (["demo.record=film.avi"], "is not a film: the name must end in .gif or .mp4"),
        (["demo.bundle={tmp}/broken"], "is not a demo bundle"),
        (["demo.frames=-1"], "demo.frames=-1 is out of range"),
        (["demo.pace=0"], "demo.pace=0 is out of range: give a number from 0.1"),
    ],
)
def test_mistakes_get_one_line(run: Demo, tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "bad.onnx").write_bytes(MODEL[:500])
    (tmp_path / "block.onnx").write_bytes(write(SPECS[:2], random_weights(SPECS[:2])))
    other = tiny(1, 16, 7)
    specs = other.decode(other.smallest)
    (tmp_path / "other.onnx").write_bytes(write(specs, random_weights(specs)))
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "it.png").write_bytes(b"no image")
    assert said in run(*(argument.format(tmp=tmp_path) for argument in arguments), fails=True)


def test_a_missing_source_is_told_before_anything_is_measured(run: Demo, tmp_path: Path) -> None:
    said = run("demo.model=", f"demo.source={tmp_path / 'none'}", "experiment=smoke", fails=True)
    assert "there is no folder or image" in said
    assert not list(tmp_path.glob("runs/measure/*"))
