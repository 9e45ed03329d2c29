"""Tests the images that a board's demo is given: the same pixels as in training, from files and from cameras."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from experiments.config.registry import DATASETS
from experiments.display.pictures import frames_of as host_frames
from predictors.board.own_images import frames_of
from search_spaces.errors import LutraError

DATA = DATASETS["digits"]("", 16, 0.2, 0)
GREY, COLOUR = (1, 16, 16), (3, 12, 12)
SCENE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
Camera = Callable[[pytest.MonkeyPatch], list[str]]


def write(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 30, 3), np.uint8)).save(path)
    return path


def refused(said: str) -> None:
    raise AssertionError(said)


def test_a_folder_gives_what_the_host_s_demo_sees(tmp_path: Path) -> None:
    for seed, name in enumerate(("3/a.png", "3/b.png", "7/c.png", "elsewhere/d.png")):
        write(tmp_path / name, seed)
    ours = [(one.pixels.tobytes(), one.label) for one in frames_of(str(tmp_path), GREY, DATA.classes, refused)]
    theirs = [(one.pixels.tobytes(), one.label) for one in host_frames(str(tmp_path), DATA, 0, refused)]
    assert sorted(ours, key=str) == sorted(theirs, key=str)
    assert [label for _, label in ours] == [3, 3, 7, None]


def test_an_image_in_a_folder_of_a_class_folder_has_its_label(tmp_path: Path) -> None:
    """As in training; of two such folders the nearer one counts, and none above the given folder."""
    for name in ("3/deep/a.png", "7/deep/3/b.png", "elsewhere/deep/c.png"):
        write(tmp_path / "9" / "images" / name)
    for frames in (frames_of, lambda *given: host_frames(given[0], DATA, 0, refused)):
        found = frames(str(tmp_path / "9" / "images"), GREY, DATA.classes, refused)
        assert sorted(str(one.label) for one in found) == ["3", "3", "None"]
    (frame,) = frames_of(str(tmp_path / "9" / "images" / "3"), GREY, DATA.classes, refused)
    assert frame.label == 3


def test_an_image_is_one_frame_of_the_network_s_shape(tmp_path: Path) -> None:
    path = write(tmp_path / "cat" / "one.png")
    (frame,) = frames_of(str(path), COLOUR, ["dog", "cat"], refused)
    assert (frame.pixels.shape, frame.pixels.dtype, frame.label) == ((12, 12, 3), np.uint8, 1)


def test_a_damaged_file_of_a_folder_is_named_and_skipped(tmp_path: Path) -> None:
    write(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"no image")
    said: list[str] = []
    assert len([*frames_of(str(tmp_path), GREY, [], said.append)]) == 1
    (line,) = said
    assert "bad.png" in line


@pytest.mark.parametrize("source", ["nowhere", "{empty}", "camera:front", "camera"])
def test_what_is_not_there_is_refused_before_the_first_frame(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cv2", "picamera2"):
        monkeypatch.setitem(sys.modules, name, None)  # not installed
    with pytest.raises(LutraError):
        frames_of(source.replace("{empty}", str(tmp_path)), GREY, [], refused)


def opencv(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    closed: list[str] = []
    capture = SimpleNamespace(
        isOpened=lambda: True, read=lambda: (True, SCENE[..., ::-1]), release=lambda: closed.append("closed")
    )
    monkeypatch.setitem(sys.modules, "picamera2", None)
    monkeypatch.setitem(sys.modules, "cv2", SimpleNamespace(VideoCapture=lambda number: capture))
    return closed


def picamera2(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    closed: list[str] = []

    class Picamera2:
        def __init__(self, number: int) -> None:
            self.format = ""

        @staticmethod
        def global_camera_info() -> list[int]:
            return [0]

        def create_video_configuration(self, main: dict[str, object]) -> dict[str, object]:
            return main

        def configure(self, main: dict[str, object]) -> None:
            self.format = str(main["format"])

        def start(self) -> None:
            pass

        def capture_array(self) -> np.ndarray:
            return {"BGR888": SCENE, "RGB888": SCENE[..., ::-1]}[self.format]  # its names are those of the words' order

        def close(self) -> None:
            closed.append("closed")

    monkeypatch.setitem(sys.modules, "picamera2", SimpleNamespace(Picamera2=Picamera2))
    return closed


@pytest.mark.parametrize("installed", [opencv, picamera2])
def test_a_camera_gives_red_green_blue_and_is_closed(
    installed: Camera, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = installed(monkeypatch)
    Image.fromarray(SCENE).save(tmp_path / "scene.png")
    (expected,) = frames_of(str(tmp_path / "scene.png"), COLOUR, [], refused)
    frames = frames_of("camera", COLOUR, [], refused)
    for frame in islice(frames, 2):
        np.testing.assert_array_equal(frame.pixels, expected.pixels)
        assert frame.label is None
    del frame, frames
    assert closed == ["closed"]
