"""Tests the demo's folder that a board runs: it needs numpy and the runtime alone."""

from __future__ import annotations

import ast
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

from search_spaces.networks import litert_writer
from search_spaces.networks.onnx_writer import random_weights
from tests.commands import Here
from tests.experiments.demonstrations import DATA, MODEL, SPECS, Demo, demo_of, right, write_images


@pytest.fixture
def run(here: Here, tmp_path: Path) -> Demo:
    return demo_of(here, tmp_path)


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


def on_board(folder: Path, *arguments: str, runtime: Collection[str] = ONNXRUNTIME) -> subprocess.CompletedProcess[str]:
    """Starts run.py where only numpy and the runtime can be imported."""
    command = [sys.executable, "-I", "-c", f"RUNTIME = {runtime}\n{ALONE}", str(folder), *arguments]
    return subprocess.run(command, cwd="/", capture_output=True, text=True)


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
