"""The model card: its program classifies an image as the file does, in either runtime, in eight lines."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import torch
from PIL import Image

from compress.files.metadata import metadata
from compress.files.parity import file_logits
from compress.files.source import Source
from compress.runtimes import RUNTIMES
from experiments.config.registry import DATASETS
from experiments.display.model_card import snippet
from predictors.board.image_decoding import decode
from predictors.board.measured_part import measured_part
from search_spaces.documents import sha256
from search_spaces.networks.onnx_writer import random_weights
from search_spaces.spaces.tiny import tiny
from tests.commands import Finished

DATA = DATASETS["digits"]("", 16, 0.2, 0)
SPACE = tiny(1, 16, 10)
SPECS = SPACE.decode(SPACE.smallest)


def classified(folder: Path, program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_program_classifies_as_the_file_does(runtime: str, tmp_path: Path) -> None:
    written = RUNTIMES[runtime]
    file, name = written.fp32(Source.with_weights(SPECS, random_weights(SPECS))), f"network{written.SUFFIX}"
    (tmp_path / name).write_bytes(file)
    picture = DATA.test.images[0]
    Image.fromarray(picture[0].numpy()).save(tmp_path / "image.png")
    program = snippet(name, file, DATA)
    assert len(program.splitlines()) <= 8
    expected = file_logits(file, DATA.normalize(picture[None]).numpy()).argmax()
    assert classified(tmp_path, program) == DATA.classes[int(expected)]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_transparent_images_are_on_white_as_in_training(runtime: str, tmp_path: Path) -> None:
    written = RUNTIMES[runtime]
    file, name = written.fp32(Source.with_weights(SPECS, random_weights(SPECS))), f"network{written.SUFFIX}"
    (tmp_path / name).write_bytes(file)

    def answer(pixels: np.ndarray) -> int:
        return int(file_logits(file, DATA.normalize(torch.from_numpy(pixels.copy())[None, None]).numpy()).argmax())

    pictures = (255 - one[0].numpy() // 2 for one in DATA.test.images)
    picture = next(one for one in pictures if answer(one) != answer(np.zeros_like(one)))
    black = Image.new("RGBA", (16, 16))
    black.putalpha(Image.fromarray(255 - picture))
    black.save(tmp_path / "image.png")
    seen = decode("image.png", (tmp_path / "image.png").read_bytes, 16)[..., 0]
    assert np.array_equal(seen, picture)
    assert classified(tmp_path, snippet(name, file, DATA)) == DATA.classes[answer(picture)]


def test_the_file_alone_tells_what_the_report_knows(finished: Finished) -> None:
    folder = finished.folder("report")
    file = (folder / "int8.onnx").read_bytes()
    told, measured = metadata(file), measured_part(file)
    assert measured == (finished.folder("compress") / "int8.onnx").read_bytes()
    with open(folder / "stages.csv", newline="") as stages:
        (row,) = (row for row in csv.DictReader(stages) if row["sha256"] == sha256(measured))
    assert (told["latency_median_s"], told["test_accuracy"]) == (row["latency_median_s"], row["test_accuracy"])
    assert json.loads(told["classes"]) == list(DATA.classes)
    assert (json.loads(told["mean"]), json.loads(told["std"])) == (list(DATA.mean), list(DATA.std))
    assert json.loads(told["input"]) == {"channels": 1, "height": 16, "width": 16}
    assert told["lineage_sha256"] == sha256((folder / "lineage.json").read_bytes())
    assert sha256(file) in (folder / "model_card.md").read_text()
    for key in ("colours", "crop", "normalisation", "runtime", "threads", "device", "made_by"):
        assert told[key]


def test_the_card_tells_what_the_report_knows(finished: Finished, tmp_path: Path) -> None:
    folder = Path(copytree(finished.folder("report"), tmp_path / "report"))
    card = (folder / "model_card.md").read_text()
    told = dict(re.findall(r"^\| (\w+) \| (.*) \|$", card, re.MULTILINE))
    assert {"file", "classes", "input", "output", "runtime", "device", "latency", "accuracy", "lineage"} <= {*told}
    assert told["classes"].split(", ") == list(DATA.classes)
    (program,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    Image.fromarray(np.zeros((9, 12), np.uint8)).save(folder / "image.png")
    assert classified(folder, program) in DATA.classes
