"""Tests the demo command: every source, a video, a folder that a board runs, and one-line errors."""

from __future__ import annotations

import ast
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Collection
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from PIL import Image

from compress.files.parity import file_logits
from compress.quantization.quantize import quantize
from experiments.config.registry import DATASETS
from experiments.studies.demonstration import demo
from predictors.board.classifier import Classifier, Frame, classify
from predictors.board.offline_demo import Shown, follow
from predictors.board.terminal_view import PANEL, SIDE, view
from search_spaces.errors import LutraError
from search_spaces.networks import litert_writer
from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.spaces.tiny import tiny
from tests.commands import Here

SPACE = tiny(1, 16, 10)
SPECS = SPACE.decode(SPACE.smallest)
DATA = DATASETS["digits"]("", 16, 0.2, 0)
MODEL = quantize(write(SPECS, random_weights(SPECS)), DATA.normalize(DATA.train.images[:64]).numpy())
Demo = Callable[..., str]
ONNXRUNTIME = {"onnxruntime"}
LITERT = {"ai_edge_litert", "backports", "flatbuffers", "google", "ml_dtypes", "typing_extensions"}  # with dependencies
ALONE = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        root = name.split(".")[0]
        if root not in sys.stdlib_module_names | {"numpy", "predictors", "search_spaces", *RUNTIME}:
            raise ImportError(f"{name} is not on the board")

sys.meta_path.insert(0, Refuse())
sys.path.insert(0, sys.argv[1])
sys.argv = [sys.argv[1] + "/run.py", *sys.argv[2:]]
import runpy
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "int8.onnx"
    path.write_bytes(MODEL)
    return path


@pytest.fixture
def run(model: Path, tmp_path: Path, here: Here) -> Demo:
    """Runs the command with the tiny model; returns its output, or its one line if it refuses."""

    def run(*arguments: str, fails: bool = False) -> str:
        done = here(demo, f"runs={tmp_path / 'runs'}", f"demo.model={model}", *arguments)
        assert done.code == (2 if fails else 0), done.err
        if not fails:
            return done.out
        assert done.err.startswith("error: ")
        assert done.err.count("\n") == 1
        return done.err

    return run


def on_board(folder: Path, *arguments: str, runtime: Collection[str] = ONNXRUNTIME) -> subprocess.CompletedProcess[str]:
    """Starts run.py where only numpy and the runtime can be imported."""
    command = [sys.executable, "-I", "-c", f"RUNTIME = {runtime}\n{ALONE}", str(folder), *arguments]
    return subprocess.run(command, cwd="/", capture_output=True, text=True)


def write_images(root: Path, count: int = 3) -> Path:
    """Writes that many test images of classes 0 and 1 into folders of these names, at twice their size."""
    for label in (0, 1):
        (root / str(label)).mkdir(parents=True)
        chosen = DATA.test.images[DATA.test.labels == label][:count, 0].numpy()
        for index, image in enumerate(chosen):
            Image.fromarray(image).resize((32, 32)).save(root / str(label) / f"{index}.png")
    return root


def right() -> int:
    """Returns how many test images the file classifies correctly."""
    logits = file_logits(MODEL, DATA.normalize(DATA.test.images).numpy())
    return int((logits.argmax(1) == DATA.test.labels.numpy()).sum())


def test_images_are_normalised_as_in_training() -> None:
    classifier = Classifier(MODEL, "it", 1, np.array(DATA.mean), np.array(DATA.std))
    for image in DATA.test.images[:8]:
        ours = classifier.prepare(image.permute(1, 2, 0).numpy())
        assert np.array_equal(ours, DATA.normalize(image[None]).contiguous().numpy())
    assert (classifier.shape, classifier.classes) == ((1, 16, 16), 10)


def test_all_test_images_give_the_accuracy_of_the_file(run: Demo) -> None:
    total = len(DATA.test.labels)
    said = run().splitlines()[-1]
    assert said.startswith(f"{total} images, accuracy {100 * right() / total:.1f} % of {total}; latency median ")
    assert "ms, p90 " in said
    assert said.endswith(" frames/s from image to answer")


def given(model: bytes, **changes: int) -> bytes:
    """Returns the file with another batch size, or with another input type that is cast."""
    proto = onnx.load_from_string(model)
    taken = proto.graph.input[0]
    if batch := changes.get("batch"):
        taken.type.tensor_type.shape.dim[0].dim_value = batch
    if kind := changes.get("kind"):
        for node in proto.graph.node:
            node.input[:] = ["cast" if name == taken.name else name for name in node.input]
        proto.graph.node.insert(0, onnx.helper.make_node("Cast", [taken.name], ["cast"], to=onnx.TensorProto.FLOAT))
        taken.type.tensor_type.elem_type = kind
    return proto.SerializeToString()


@pytest.mark.parametrize("kind", [onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE])
def test_images_are_given_as_the_file_takes_them(kind: int) -> None:
    plain, other = (
        Classifier(model, "it", 1, np.array(DATA.mean), np.array(DATA.std))
        for model in (MODEL, given(given(MODEL, kind=kind), batch=1))
    )
    for image in DATA.test.images[:8]:
        prepared = plain.prepare(image.permute(1, 2, 0).numpy())
        assert np.abs(plain.logits(prepared) - other.logits(prepared)).max() < 0.2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"batch": 16}, "it takes 16 images at a time, and the demo classifies one"),
        ({"kind": onnx.TensorProto.INT8}, "it takes images as tensor(int8): demo.model must take one of float32"),
    ],
)
def test_a_file_that_takes_something_else_is_refused(changes: dict[str, int], said: str) -> None:
    with pytest.raises(LutraError) as caught:
        Classifier(given(MODEL, **changes), "it", 1, np.array(DATA.mean), np.array(DATA.std))
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_moments_are_of_all_images_so_far() -> None:
    classifier = Classifier(MODEL, "it", 1, np.array(DATA.mean), np.array(DATA.std))
    images = DATA.test.images[:40].permute(0, 2, 3, 1).numpy()
    labels = DATA.test.labels.tolist()
    moments = list(classify(classifier, (Frame(image, labels[i] if i % 2 else None) for i, image in enumerate(images))))
    seconds = [moment.seconds for moment in moments]
    assert [moment.number for moment in moments] == list(range(1, 41))
    for count, moment in enumerate(moments, 1):
        assert moment.median == pytest.approx(np.quantile(seconds[:count], 0.5))
        assert moment.p90 == pytest.approx(np.quantile(seconds[:count], 0.9))
        assert moment.probabilities.sum() == pytest.approx(1)
        assert moment.labelled == count // 2
        assert 1 / moment.fps >= np.mean(seconds[max(0, count - 30) : count])


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


def test_a_board_needs_numpy_and_onnxruntime_alone(run: Demo, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    run(f"demo.bundle={folder}", f"demo.frames={len(DATA.test.labels)}")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path in folder.rglob("*.py"):
        ast.parse(path.read_bytes(), feature_version=(3, 9))
    done = on_board(folder)
    total = len(DATA.test.labels)
    assert done.stdout.splitlines()[-1].startswith(f"{total} images, accuracy {100 * right() / total:.1f} %"), (
        done.stderr
    )
    run(f"demo.bundle={folder}", f"demo.frames={total}")
    assert {path: path.read_bytes() for path in before} == before
    (folder / "model.onnx").write_bytes(MODEL[:-1])
    assert on_board(folder).stderr == f"error: {folder}/model.onnx is missing or damaged: copy the folder again\n"
    (folder / "settings.json").write_text(json.dumps([]))
    assert "settings.json is damaged or not a lutra/demo/1 file" in on_board(folder).stderr
    assert on_board(folder, "--frames", "0").stderr.count("\n") == 1


def test_a_board_classifies_images_of_its_own(run: Demo, tmp_path: Path) -> None:
    folder, images = tmp_path / "bundle", write_images(tmp_path / "images")
    run(f"demo.bundle={folder}", "demo.frames=1")
    told = run(f"demo.source={images}").splitlines()[-1]
    done = on_board(folder, str(images), runtime=ONNXRUNTIME | {"PIL"})
    assert done.stdout.split(";")[0] == told.split(";")[0], done.stderr
    done = on_board(folder, str(images / "0" / "0.png"), runtime=ONNXRUNTIME | {"PIL"})
    name, sure = done.stdout.splitlines()[-1].split(", ")
    assert name in DATA.classes
    assert sure.endswith(" %")
    for source, missing in ((str(images), "pip install pillow"), ("camera", "pillow")):
        done = on_board(folder, source)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert missing in done.stderr
    assert "picamera2 or OpenCV" in on_board(folder, "camera", runtime=ONNXRUNTIME | {"PIL"}).stderr


def test_a_litert_file_is_shown_here_and_on_a_board(run: Demo, tmp_path: Path) -> None:
    """With only its own runtime, it prints what the ONNX file of the same network prints."""
    path, folder = tmp_path / "network.tflite", tmp_path / "bundle"
    path.write_bytes(litert_writer.write(SPECS, random_weights(SPECS)))
    told = run("demo.frames=20", f"demo.model={path}").splitlines()[-1]
    run("demo.frames=20", f"demo.model={path}", f"demo.bundle={folder}")
    done = on_board(folder, runtime=LITERT)
    accuracy = r"20 images, accuracy [\d.]+ %"
    (one,) = re.findall(accuracy, told)
    (other,) = re.findall(accuracy, done.stdout or done.stderr)
    assert one == other


def test_a_terminal_is_drawn_over(run: Demo, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    run(f"demo.bundle={folder}", "demo.frames=4")
    ours, theirs = pty.openpty()
    command = [sys.executable, "run.py", "--pace", "20", "--frames", "3"]
    with subprocess.Popen(command, cwd=folder, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # Linux: the other end is closed
            pass
    os.close(ours)
    assert process.returncode == 0
    text = shown.decode()
    height = text[: text.index("image 1")].count("\n") + 1
    assert text.count(f"\x1b[{height}A") == 3
    assert all(f"image {number}" in text for number in (1, 2, 3))
    assert text.splitlines()[-1].startswith("3 images, accuracy ")


@pytest.mark.parametrize("side", [8, 16, 28, 32, 41, 96, 224, 320])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_view_fits_80_columns(side: int, channels: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (side, side, channels), dtype=np.uint8)
    classifier = SimpleNamespace(prepare=lambda pixels: pixels, logits=lambda image: np.arange(3.0))
    (moment,) = classify(classifier, iter([Frame(image, 0)]))  # type: ignore[arg-type]
    classes = ("a" * 99, "\x1b[2J", "c\n")
    lines = view(moment, ("t" * 99, "CPU"), classes).split("\n")
    assert "\x1b[2J" not in "".join(lines)
    assert len({len(plain(line).split("  ")[0]) for line in lines if "▀" in line}) == 1
    assert all(len(plain(line)) <= SIDE + 2 + PANEL <= 80 for line in lines)
    assert sum("▀" in line for line in lines) <= SIDE // 2


def plain(line: str) -> str:
    """Removes the characters that take no column."""
    return "".join(part.partition("m")[2] if index else part for index, part in enumerate(line.split("\x1b[")))


def test_ctrl_c_ends_it_with_what_there_is() -> None:
    def interrupted():
        yield from ["first", "second"]
        raise KeyboardInterrupt

    shown = Shown("it", (), (), (), 1, 10)
    assert follow(interrupted(), shown, 10, None, print) == "second"  # type: ignore[arg-type, comparison-overlap]
    with pytest.raises(LutraError, match="no image was classified"):
        follow(iter(()), shown, 10, None, print)


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
