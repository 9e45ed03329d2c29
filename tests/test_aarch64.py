"""Tests the agent on another architecture: an emulated Raspberry Pi gives the same answers as this machine.

The tree that it runs in is made by tests/aarch64_tree.sh. Its latencies are not those of a Pi.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from compress.files.parity import file_logits
from compress.files.source import Source
from compress.quantization.calibration import activation_ranges
from compress.quantization.quantize import quantize
from compress.runtimes import litert
from predictors.board.agent_source import AGENT
from predictors.board.device import Board, Connection
from predictors.timing.rounds import Protocol, measure, reference_files
from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.spaces.tiny import tiny

QEMU = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
TREE = Path(os.environ.get("LUTRA_AARCH64", Path(__file__).parent.parent / ".venv" / "aarch64"))
SATURATES = platform.machine() == "x86_64" and "vnni" not in Path("/proc/cpuinfo").read_text()
CPU = "cortex-a76"  # a Raspberry Pi 5's
PATIENCE = 60.0  # seconds; importing takes a few
pytestmark = [
    pytest.mark.skipif(QEMU is None, reason="there is no qemu-aarch64-static (Debian: qemu-user-static)"),
    pytest.mark.skipif(not (TREE / "ready").exists(), reason=f"there is no {TREE} (tests/aarch64_tree.sh makes it)"),
]
SPACE = tiny(1, 16, 10)
IMAGES = np.random.default_rng(0).standard_normal((8, 1, 16, 16), dtype=np.float32)


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    yield from emulated("onnxruntime")


@pytest.fixture(scope="module")
def litert_board() -> Iterator[Board]:
    yield from emulated("litert")


def emulated(runtime: str) -> Iterator[Board]:
    """Starts the agent as `local` does, but in the emulator and with the tree's Python."""
    root, site = TREE / "root", TREE / "site"
    emulator = [str(QEMU), "-cpu", CPU, "-L", str(root), "-E", f"PYTHONPATH={site}", str(root / "usr/bin/python3")]
    command = [*emulator, str(AGENT), str(PATIENCE)]
    process = subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    connection = Connection(process, 1, PATIENCE, runtime=runtime)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """Writes the reference network's two files."""
    specs = SPACE.decode(SPACE.reference)
    fp32 = write(specs, random_weights(specs))
    return {"fp32": fp32, "int8": quantize(fp32, IMAGES)}


def test_the_board_says_what_it_is(board: Board) -> None:
    assert board.passport["machine"] == "aarch64"
    assert board.passport["model"] == "Raspberry Pi 5 Model B Rev 1.0"
    assert board.ask("state")["throttled"] is None  # no firmware to ask: unknown, not fine


def answers(board: Board, name: str, onnx: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Returns the logits [N, classes] of the emulated board and of this machine."""
    board.load(name, onnx)
    there = np.array(board.ask("outputs", name=name, image=IMAGES.tolist())["output"], np.float32)
    here = file_logits(onnx, IMAGES)
    assert here.std() > 0.1
    return there, here


def quantum(int8: bytes) -> float:
    """Returns the step between two values of the file's output."""
    graph = onnx.load_from_string(int8).graph
    last = [node for node in graph.node if node.op_type == "DequantizeLinear"][-1]
    return float(next(numpy_helper.to_array(item) for item in graph.initializer if item.name == last.input[1]))


def test_the_fp32_file_answers_the_same_there(board: Board, files: dict[str, bytes]) -> None:
    there, here = answers(board, "fp32", files["fp32"])
    assert there == pytest.approx(here, abs=1e-4)


@pytest.mark.skipif(SATURATES, reason="this x86 CPU lacks VNNI: its sums of INT8 products may saturate")
def test_the_int8_file_answers_the_same_there(board: Board, files: dict[str, bytes]) -> None:
    """A few roundings differ, each by one quantum of a logit (one logit of 80 when this was written)."""
    there, here = answers(board, "int8", files["int8"])
    quanta = (there - here) / quantum(files["int8"])
    assert np.abs(quanta).max() < 1.001
    assert (np.abs(quanta) > 0.001).mean() <= 0.1


def test_litert_answers_there_as_here(litert_board: Board) -> None:
    """Its INT8 kernels give equal numbers on both processors."""
    assert litert_board.passport["litert"]
    specs = SPACE.decode(SPACE.reference)
    source = Source.with_weights(specs, random_weights(specs))
    there, here = answers(litert_board, "fp32", litert.fp32(source))
    assert there == pytest.approx(here, abs=1e-4)
    int8 = litert.int8(source, activation_ranges(source.onnx, IMAGES))
    there, here = answers(litert_board, "int8", int8)
    np.testing.assert_array_equal(there, here)


def test_a_measured_round_comes_back_whole(board: Board, files: dict[str, bytes]) -> None:
    protocol = Protocol(min_rounds=1, max_rounds=1, sample_seconds=1e-3)
    (done,) = measure(board, files, protocol)
    assert sorted({*done.order}) == sorted(files)
    assert len(done.seconds) == len(done.order) >= 3 * len(reference_files(files, protocol))
    assert min(done.seconds) > 0
    assert done.before.keys() == done.after.keys() == board.ask("state").keys() | {"threads", "quota"}
