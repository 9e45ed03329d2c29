"""Tests the layers that the quantization stage leaves in float: for accuracy, or to save time on the device."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from compress.files.parity import file_logits
from compress.files.source import Source
from compress.layers import layers_of
from compress.quantization import sensitivity
from compress.quantization.faster_in_float import Faster
from compress.quantization.quantize import quantize_within
from compress.runtimes import RUNTIMES
from experiments.config import Config
from experiments.stages import NETWORK, float_timing, fp32_fallback, int8_agreement, int8_record, quantizing
from experiments.steps.plan import Plan
from experiments.store.weights import save_network
from predictors.board.device import Board
from predictors.timing.rounds import Round, Value
from search_spaces.networks.network import Network
from tests.compress.stages.on_digits import quantized, ranges_of, run, small


def test_a_layer_in_float_is_not_to_blame(network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantizing, "float_layers", lambda *_: (0, 1))
    named: list[int] = []
    monkeypatch.setattr(
        int8_agreement, "blame", lambda agreed, table: named.extend(row.layer for row in table) or "blamed"
    )
    assert "blamed" in quantized(tmp_path, network, kind="static", float_layers="accuracy").lines()
    assert named
    assert not {0, 1} & {*named}


def test_layers_in_float_are_told_with_their_reasons(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = tmp_path / fp32_fallback.FILE
    found.write_text(json.dumps([dataclasses.asdict(Faster(1, 125e-6, 118.5e-6))]))
    monkeypatch.setattr(quantizing, "float_layers", lambda model, ranges, images, table, slower: (0, *slower))
    told = quantized(tmp_path, network, {int8_record.FASTER_IN_FLOAT: found}, kind="static", float_layers="both")
    assert told.in_float == [int8_record.InFloat(1, "time", 125e-6, 118.5e-6), int8_record.InFloat(0, "accuracy")]
    assert "layer 1 stays in float to save time: the file takes 118.5 us instead of 125.0 us" in told.lines()
    assert "layer 0 stays in float for better accuracy" in told.lines()
    model = quantizing.fp32_file(Config().data, 0, network, "onnxruntime")
    expected = quantize_within(model, ranges_of(model), [0, 1])
    assert (tmp_path / "int8.onnx").read_bytes() == expected


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_layer_may_stay_in_float(runtime: str, network: Network, tmp_path: Path) -> None:
    """The file then computes what the network computes, and no layer has a cost of INT8."""
    found, layers = tmp_path / fp32_fallback.FILE, layers_of(Source.of(network).onnx)
    found.write_text(json.dumps([dataclasses.asdict(Faster(layer, 2.0, 1.0)) for layer in layers]))
    config = small(kind="static", float_layers="time")
    config = dataclasses.replace(config, device=dataclasses.replace(config.device, library=runtime))
    save_network(tmp_path / NETWORK, network)
    run(config, "quantize", tmp_path / NETWORK, {int8_record.FASTER_IN_FLOAT: found}, tmp_path)
    told = int8_record.load(tmp_path)
    assert (told.agreement, [one.layer for one in told.in_float]) == (1, layers)
    assert not told.saturating
    with (tmp_path / "sensitivity.csv").open(newline="") as file:
        table = csv.DictReader(file)
        assert (table.fieldnames, [*table]) == (["layer", "agreement", "sqnr"], [])


@pytest.mark.parametrize("options", [{}, {"reduce_range": True}, {"bias_correction": True}, {"method": "entropy"}])
def test_layers_for_accuracy_are_chosen_on_the_deployed_file(
    options: dict[str, object], network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last file that the choice evaluates is the deployed one, whatever its options."""
    seen: list[bytes] = []

    def looked(file: bytes, images: np.ndarray) -> np.ndarray:
        seen.append(file)
        return file_logits(file, images)

    monkeypatch.setattr(sensitivity, "file_logits", looked)
    monkeypatch.setattr(quantizing, "float_layers", partial(sensitivity.float_layers, least=0.999))
    told = quantized(tmp_path, network, kind="static", float_layers="accuracy", **options)
    assert seen[-1] == (tmp_path / "int8.onnx").read_bytes() or len(told.in_float) == len(layers_of(seen[0]))


@pytest.mark.parametrize("choice", ["none", "accuracy", "time"])
def test_the_device_is_asked_about_whole_files_where_time_counts(
    choice: str, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed: list[set[bytes]] = []

    def summarized(rounds: Sequence[Round]) -> dict[str, Value]:
        """Returns latencies where the first layer is slow in INT8."""
        names = {name for one in rounds for name in one.order}
        return {name: Value(*[1.0 if "layers 0" in name else 2.0] * 3) for name in names}

    def followed(board: Board, files: Mapping[str, bytes], *rest: object) -> list[Round]:
        timed.append({*files.values()})
        return [Round(tuple(files), (1.0,) * len(files), ((),) * len(files), {}, {})]

    monkeypatch.setattr(float_timing, "followed", followed)
    monkeypatch.setattr(float_timing, "summarize", summarized)
    save_network(tmp_path / NETWORK, network)
    config = dataclasses.replace(small(float_layers=choice), runs=str(tmp_path / "runs"))
    found = fp32_fallback.needs(Plan(config), tmp_path / NETWORK, tmp_path / NETWORK)
    assert len(timed) == (2 if choice == "time" else 0)  # the second finds that no neighbour gains
    assert set(found) == ({int8_record.FASTER_IN_FLOAT} if choice == "time" else set())
    if choice == "time":
        told = quantized(tmp_path, network, found, kind="static", float_layers="time")
        assert told.in_float == [int8_record.InFloat(0, "time", 2.0, 1.0)]
        assert (tmp_path / "int8.onnx").read_bytes() in timed[0] & timed[1]  # the timed file is the deployed one
        again = fp32_fallback.needs(Plan(config), tmp_path / NETWORK, tmp_path / NETWORK)
        assert (again, len(timed)) == (found, 2)
