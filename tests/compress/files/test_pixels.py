"""compress.inside=true: the deployed file takes uint8 pixels and outputs probabilities, in either runtime."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from compress.files.metadata import metadata, with_metadata
from compress.files.parity import file_logits, with_pixels
from compress.files.source import Source
from compress.quantization.calibration import activation_ranges
from compress.runtimes import RUNTIMES, runtime_of_file
from experiments.config.registry import DATASETS
from experiments.display.model_card import snippet
from experiments.store import artefacts
from experiments.studies.demonstration import contents
from predictors.agent.runtimes import RUNTIMES as BOARD
from predictors.agent.runtimes import interface, open_file
from predictors.board.classifier import Classifier, Frame, probabilities
from predictors.board.measured_part import measured_part
from predictors.board.offline_demo import Shown
from search_spaces.documents import sha256
from search_spaces.networks.onnx_writer import random_weights
from search_spaces.spaces.tiny import tiny
from tests.commands import Command, Finished, copy_steps

SPACE = tiny(1, 16, 10)
SPECS = SPACE.decode(SPACE.smallest)
DATA = DATASETS["digits"]("", 16, 0.2, 0)
FEW = DATA.fixed(DATA.validation, 12, 0)[0]
PIXELS = FEW.raw(slice(None)).numpy()
KINDS = ("fp32", "int8", "fp16", "dynamic")


@cache
def plain(runtime: str, kind: str) -> bytes:
    """A file that takes normalised images and outputs logits."""
    source = Source.with_weights(SPECS, random_weights(SPECS))
    more = (activation_ranges(source.onnx, FEW.numpy(), "minmax"),) if kind == "int8" else ()
    return bytes(getattr(RUNTIMES[runtime], kind)(source, *more))


@cache
def made(runtime: str, kind: str) -> bytes:
    return with_pixels(plain(runtime, kind), FEW)


def softmax_of(file: bytes) -> np.ndarray:
    logits = file_logits(file, FEW).astype(np.float64)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_it_answers_pixels_as_the_plain_file_answers_normalised_images(runtime: str, kind: str) -> None:
    file = made(runtime, kind)
    assert runtime_of_file(file) is RUNTIMES[runtime]
    assert (RUNTIMES[runtime].takes_pixels(plain(runtime, kind)), RUNTIMES[runtime].takes_pixels(file)) == (False, True)
    assert np.allclose(file_logits(file, FEW), softmax_of(plain(runtime, kind)), atol=1e-6)
    assert np.array_equal(file_logits(file, PIXELS), file_logits(file, FEW))
    assert with_pixels(plain(runtime, kind), FEW) == file


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_board_times_it_and_answers_as_the_host(runtime: str) -> None:
    file = made(runtime, "int8")
    opened = open_file(runtime, file, 1)
    opened.run()
    sent = np.asarray(PIXELS[:1].tolist(), np.float32)  # as the agent reads them from JSON
    assert np.allclose(opened.outputs(sent), file_logits(file, PIXELS[:1]), atol=1e-6)
    assert interface(file, 1).inputs[0][1] == "uint8"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_profiler_runs_it(runtime: str) -> None:
    operators = list(BOARD[runtime].profile(made(runtime, "int8"), 1, 0.02, lambda: None))
    assert len(operators) >= 4
    assert all(seconds >= 0 for _, _, seconds in operators)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_carried_classifier_and_the_readmes_program_agree(runtime: str, tmp_path: Path) -> None:
    file, name = made(runtime, "int8"), f"network{RUNTIMES[runtime].SUFFIX}"
    moments = np.array(DATA.mean), np.array(DATA.std)
    classifiers = [Classifier(one, name, 1, *moments) for one in (plain(runtime, "int8"), file)]
    for image in PIXELS:
        prepared = [one.prepare(image.transpose(1, 2, 0)) for one in classifiers]
        answers = [probabilities(one, own.logits(one)) for one, own in zip(prepared, classifiers)]
        assert np.allclose(*answers, atol=1e-6)
    Image.fromarray(PIXELS[0, 0]).save(tmp_path / "image.png")
    (tmp_path / name).write_bytes(file)
    program = snippet(name, file, DATA)
    assert len(program.splitlines()) <= 8
    assert "255" not in program
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == DATA.classes[int(file_logits(file, PIXELS[:1]).argmax())], done.stderr


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_metadata_are_appended_to_it(runtime: str) -> None:
    file = with_metadata(made(runtime, "int8"), {"classes": "[]", "a": "b"})
    assert metadata(file)["a"] == "b"
    assert measured_part(file) == made(runtime, "int8")
    assert np.array_equal(file_logits(file, FEW), file_logits(made(runtime, "int8"), FEW))


def test_the_folder_for_a_board_classifies_with_it(tmp_path: Path) -> None:
    shown = Shown("digits", DATA.classes, DATA.mean, DATA.std, 1, 10)
    frames = [Frame(image.transpose(1, 2, 0), None) for image in PIXELS]
    for path, content in contents(shown, made("onnxruntime", "int8"), frames):
        artefacts.write(tmp_path / path, content)
    done = subprocess.run([sys.executable, "-E", str(tmp_path / "run.py")], cwd="/", capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{len(PIXELS)} images")


def test_what_is_measured_is_what_is_deployed(finished: Finished, command: Command, tmp_path: Path) -> None:
    runs = copy_steps(finished, tmp_path / "runs", "measure", "train", "search", "retrain", "compress", "benchmark")
    done = command("report", *finished.arguments, f"runs={runs}", "compress.inside=true")
    assert (done.code, done.err) == (0, "")
    (folder,) = (runs / "report").iterdir()
    file = (folder / "int8.onnx").read_bytes()
    told, measured = metadata(file), measured_part(file)
    with open(folder / "stages.csv", newline="") as stages:
        rows = list(csv.DictReader(stages))
    (row,) = (one for one in rows if one["sha256"] == sha256(measured))
    correct = (file_logits(file, DATA.fixed(DATA.test, 0, 0)[0]).argmax(1) == DATA.test.labels.numpy()).mean()
    assert float(row["test_accuracy"]) == pytest.approx(correct)
    assert (told["type"], told["output"]) == ("uint8", "probabilities, in the order of classes")
    assert json.loads(told["input"])["channels"] == 1
    (benchmark,) = (one for one in (runs / "benchmark").iterdir() if (one / "int8.int8.onnx").read_bytes() == measured)
    files = sorted(benchmark.glob("*.onnx"))
    assert len(files) == len(rows)
    assert all(RUNTIMES["onnxruntime"].takes_pixels(one.read_bytes()) for one in files)  # so they compare
    assert "pixels as uint8" in (folder / "model_card.md").read_text()
    assert "compress.inside=true" in (folder / "report.html").read_text()
