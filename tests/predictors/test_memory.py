"""Tests the memory and the outputs of files on a board, each by a real agent on this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from predictors import agent
from predictors.board.device import Board, Connection, as_arguments
from predictors.board.device_pool import DevicePool
from predictors.board.local_device import local
from predictors.board.memory import Memory, peak_memory
from predictors.board.offline_job import OfflineBoard, Results
from predictors.board.outputs import outputs
from predictors.board.resumable import resumable
from predictors.board.simulated import SimulatedBoard
from search_spaces.errors import LutraError
from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.spaces.tiny import tiny

MB = 10**6
SPACE = tiny(1, 16, 10)
SPECS = SPACE.decode(SPACE.smallest)
NETS = {f"net{seed}": write(SPECS, random_weights(SPECS, seed)) for seed in range(2)}
IMAGES = np.random.default_rng(0).standard_normal((8, 1, 16, 16), dtype=np.float32)


def linear(inputs: int, classes: int) -> bytes:
    """Writes a file of inputs * classes weights of four bytes."""
    weights = np.random.default_rng(0).standard_normal((inputs, classes), dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["image", "weights"], ["output"])],
        "linear",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", inputs])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", classes])],
        [numpy_helper.from_array(weights, "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


LARGE, SMALL = linear(1000, 5_000), linear(10, 10)


@pytest.fixture(scope="module")
def board() -> Iterator[Connection]:
    """A board that has loaded the large file, so its own process is large."""
    with local(1) as board:
        board.load("large", LARGE)
        yield board


# Memory


def test_the_peak_is_the_files_own(board: Connection) -> None:
    """Neither the agent nor an earlier file counts, and the order does not matter."""
    assert board.ask("state")["peak_rss_kb"] > 80 * MB / 1024
    one = peak_memory(board, {"large": LARGE, "small": SMALL})
    other = peak_memory(board, {"small": SMALL, "large": LARGE})
    for found in (one, other):
        large, small = found["large"], found["small"]
        assert large.peak_bytes - small.peak_bytes >= 20 * MB  # type: ignore[operator]
        assert large.model_bytes - small.model_bytes >= 20 * MB  # type: ignore[operator]
        assert 0 < small.model_bytes < 20 * MB  # type: ignore[operator]
    for name in ("large", "small"):
        assert one[name].peak_bytes == pytest.approx(other[name].peak_bytes, abs=4 * MB)
        assert one[name].runtime_bytes == pytest.approx(one["small"].runtime_bytes, abs=4 * MB)


@pytest.mark.parametrize("onnx", [b"", LARGE[: len(LARGE) // 2]])
def test_a_damaged_file_is_one_line_that_names_it(board: Connection, onnx: bytes) -> None:
    for ask in (peak_memory, lambda board, files: outputs(board, files, IMAGES)):
        with pytest.raises(LutraError, match="ONNXRuntimeError") as caught:
            ask(board, {"damaged": onnx})
        assert "\n" not in str(caught.value)
    with pytest.raises(LutraError, match=r"net .*damaged"):
        board.ask("peak_memory", name="net", runtime="onnxruntime", file="AAAA", sha256="0" * 64, threads=1)
    assert board.ask("ping") == {}


@pytest.mark.parametrize(("script", "said"), [("kill -9 $$", "exit code -9"), ("exit 3", "exit code 3")])
def test_a_file_that_ends_its_process_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, said: str
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    alone = agent.Board(SimpleNamespace(alive=lambda: None))  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match=f"net: it ended with {said}"):
        alone.peak_memory(**as_arguments("net", b"", SimpleNamespace(passport={}, threads=1)))


def test_what_is_not_known_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = {"net": Memory(None, None)}
    simulated = SimulatedBoard(lambda onnx: 1.0)
    assert peak_memory(simulated, {"net": b""}) == unknown
    assert peak_memory(OfflineBoard(tmp_path, Results({"threads": 1}, ())), {"net": b""}) == unknown
    assert peak_memory(DevicePool({"a": simulated, "b": simulated}), {"net": b""}) == unknown
    assert unknown["net"].model_bytes is None
    monkeypatch.setattr(agent, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "platform", "linux")
    assert agent.peak_rss() is None


# Outputs


def test_the_outputs_are_the_hosts(board: Connection) -> None:
    found = outputs(board, NETS, IMAGES)
    for name, onnx in NETS.items():
        session = onnxruntime.InferenceSession(onnx)
        here = np.concatenate([session.run(None, {"image": image[None]})[0] for image in IMAGES])
        assert (found[name].shape, found[name].dtype) == ((8, 10), np.float32)
        assert (found[name] == here).all()
    assert np.abs(found["net0"] - found["net1"]).max() > 0.01


def test_a_board_that_cannot_be_asked_gives_no_outputs(tmp_path: Path) -> None:
    for board in (SimulatedBoard(lambda onnx: 1.0), OfflineBoard(tmp_path, Results({"threads": 1}, ()))):
        with pytest.raises(LutraError) as caught:
            outputs(board, NETS, IMAGES)
        assert "\n" not in str(caught.value)


# Both


def test_they_outlive_a_connection_and_ask_the_first_board_of_a_fleet(board: Connection) -> None:
    """The link is cut before each of the two requests."""
    opened: list[Connection] = []

    @contextmanager
    def connect(again: bool) -> Iterator[Board]:
        with local(1) as connection:
            opened.append(connection)
            yield DevicePool({"first": connection, "second": SimulatedBoard(lambda onnx: 1.0, passport=board.passport)})

    told: list[str] = []
    with resumable(connect, [], lambda record: None, told.append, [0.0] * 3) as steady:
        opened[-1]._process.kill()
        found = outputs(steady, NETS, IMAGES[:2])
        opened[-1]._process.kill()
        peak = peak_memory(steady, {"small": SMALL})["small"].peak_bytes
    assert (len(opened), len(told)) == (3, 2)
    assert all((found[name] == outputs(board, NETS, IMAGES[:2])[name]).all() for name in NETS)
    assert peak == pytest.approx(peak_memory(board, {"small": SMALL})["small"].peak_bytes, abs=4 * MB)
