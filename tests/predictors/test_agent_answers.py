"""Tests the agent on this machine: what it computes, and its frames."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictors import agent
from predictors.board.device import Board
from predictors.board.local_device import local
from search_spaces.errors import LutraError
from search_spaces.networks.onnx_writer import random_weights, write
from tests.predictors.tables.synthetic_table import SPACE


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    with local(threads=1) as board:
        yield board


def test_the_agent_computes_what_the_host_computes(board: Board) -> None:
    import onnxruntime

    specs = SPACE.decode(SPACE.reference)
    onnx = write(specs, random_weights(specs))
    image = np.random.default_rng(0).standard_normal((1, 1, 16, 16), dtype=np.float32)
    board.load("net", onnx)
    here = onnxruntime.InferenceSession(onnx).run(None, {"image": image})[0]
    assert board.ask("outputs", name="net", image=image.tolist())["output"] == here.tolist()


def test_the_agent_survives_a_bad_request_and_says_why(board: Board) -> None:
    with pytest.raises(LutraError, match="could not round: KeyError"):
        board.ask("round", order=["never loaded"], seconds=0.001, each=False)
    with pytest.raises(LutraError, match="damaged"):
        board.ask("load", name="x", runtime="onnxruntime", file="AAAA", sha256="0" * 64, threads=1)
    assert board.ask("passport")["onnxruntime"]


def test_an_agent_that_dies_is_one_line() -> None:
    with local(threads=1) as mortal:
        mortal._process.kill()
        with pytest.raises(LutraError, match=r"connection broke|agent on this machine exited"):
            mortal.ask("state")


@given(st.binary(max_size=40), st.dictionaries(st.text(), st.integers()))
def test_frames_survive_noise_before_them(noise: bytes, message: dict[str, int]) -> None:
    stream = io.BytesIO()
    stream.write(noise.replace(agent.MAGIC, b""))
    agent.write_frame(stream, message)
    stream.seek(0)
    assert agent.read_frame(stream) == message
    assert agent.read_frame(stream) is None


@given(st.integers(1, 60))
@settings(max_examples=60)
def test_a_cut_frame_is_never_an_answer(cut: int) -> None:
    stream = io.BytesIO()
    agent.write_frame(stream, {"answer": list(range(40))})
    with pytest.raises(ValueError, match="frame"):
        agent.read_frame(io.BytesIO(stream.getvalue()[:-cut]))
