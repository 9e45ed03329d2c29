"""Tests metadata of deployed files: they are appended, so what was measured is what is deployed, in every runtime."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import onnx
import pytest

from compress.files.metadata import metadata, with_metadata
from compress.files.parity import file_logits
from compress.files.source import Source
from compress.quantization.calibration import activation_ranges
from compress.runtimes import RUNTIMES
from predictors.agent.runtimes import interface
from predictors.board.measured_part import measured_part
from search_spaces.documents import sha256
from search_spaces.networks.onnx_writer import random_weights
from search_spaces.spaces.tiny import tiny

SPACE = tiny(1, 16, 10)
SPECS = SPACE.decode(SPACE.smallest)
SOURCE = Source.with_weights(SPECS, random_weights(SPECS))
IMAGES = np.random.default_rng(0).standard_normal((4, 1, 16, 16)).astype(np.float32)
FACTS = {"classes": json.dumps(["Ảnh", "zwei", "3"], ensure_ascii=False), "mean": "[0.1]", "device": "a board | ü"}


def written(runtime: str, precision: str) -> bytes:
    one = RUNTIMES[runtime]
    return one.fp32(SOURCE) if precision == "fp32" else one.int8(SOURCE, activation_ranges(SOURCE.onnx, IMAGES))


@pytest.fixture(params=[(runtime, precision) for runtime in RUNTIMES for precision in ("fp32", "int8")], ids="-".join)
def file(request: pytest.FixtureRequest) -> bytes:
    return written(*request.param)


def test_without_its_metadata_the_deployed_file_is_the_measured_one(file: bytes) -> None:
    deployed = with_metadata(file, FACTS)
    assert deployed.startswith(file)
    assert len(deployed) > len(file)
    assert measured_part(deployed) == file
    assert measured_part(file) == file


def test_the_runtime_reads_the_metadata_and_the_same_network(file: bytes) -> None:
    deployed = with_metadata(file, FACTS)
    found = metadata(deployed)
    assert {key: found[key] for key in FACTS} == FACTS
    assert found["measured_sha256"] == sha256(file)
    assert int(found["measured_bytes"]) == len(file)
    assert interface(deployed, 1)[:2] == interface(file, 1)[:2]
    np.testing.assert_array_equal(file_logits(deployed, IMAGES), file_logits(file, IMAGES))


def test_the_same_facts_give_the_same_bytes_and_others_replace_them(file: bytes) -> None:
    deployed = with_metadata(file, FACTS)
    assert with_metadata(file, FACTS) == deployed
    assert with_metadata(with_metadata(file, {"classes": "[]", "device": "another"}), FACTS) == deployed


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_onnx_checks_the_file_and_finds_the_same_graph(precision: str) -> None:
    file = written("onnxruntime", precision)
    model, before = (onnx.load_from_string(one) for one in (with_metadata(file, FACTS), file))
    onnx.checker.check_model(model)
    assert model.graph.SerializeToString(deterministic=True) == before.graph.SerializeToString(deterministic=True)
    del model.metadata_props[len(before.metadata_props) :]
    assert model == before


def test_tools_for_litert_find_the_labels() -> None:
    with zipfile.ZipFile(io.BytesIO(with_metadata(written("litert", "int8"), FACTS))) as archive:
        assert archive.testzip() is None
        assert archive.read("labels.txt").decode().split("\n") == json.loads(FACTS["classes"])
