"""Tests the last stage's report on its file: agreement with fp32, the layers to blame, saturation."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from compress.files.foreign import Foreign
from compress.files.parity import file_logits
from compress.files.source import Source
from compress.layers import layers_of
from compress.quantization import sensitivity
from compress.quantization.bias_correction import quantize_corrected
from compress.quantization.calibration import Ranges
from compress.quantization.faster_in_float import Faster
from compress.quantization.qat import QuantizationAware
from compress.quantization.quantize import quantize_within
from compress.quantization.saturation import saturation, warning
from compress.runtimes import RUNTIMES
from experiments.config import Config
from experiments.config.compression import CompressConfig, QuantizeConfig
from experiments.setup.images import dataset_of
from experiments.stages import NETWORK, STAGES, float_timing, fp32_fallback, int8_agreement, int8_record, quantizing
from experiments.stages.settings import LOOKED_AT
from experiments.stages.task import Task
from experiments.steps.compress import settings_of
from experiments.steps.plan import Plan
from experiments.steps.train import calibrated
from experiments.store.step import Means
from experiments.store.weights import load_network, save_network
from predictors.board.device import Board
from predictors.timing.rounds import Round, Value
from search_spaces.errors import LutraError
from search_spaces.networks.evaluation import predict
from search_spaces.networks.network import Network
from search_spaces.spaces.tiny import tiny

SPACE = tiny(1, 16, 10)
DATA = dataset_of(Config().data)


def small(**chosen: object) -> Config:
    return dataclasses.replace(
        Config(),
        compress=CompressConfig(quantize=QuantizeConfig(**chosen), calibration=64),  # type: ignore[arg-type]
    )


def run(config: Config, stage: str, parent: Path, inputs: Mapping[str, Path], folder: Path) -> None:
    STAGES[stage].run(Task(settings_of(config, stage), Means.of(config), parent, inputs, folder))


def ranges_of(model: bytes) -> Ranges:
    return quantizing.ranges_of(model, quantizing.calibration(Config().data, 64, 0), "minmax", {})


def quantized(
    folder: Path, network: nn.Module, inputs: Mapping[str, Path] = {}, **chosen: object
) -> int8_record.Answers:
    """Runs the stage on the digits and returns what it says of its file."""
    save_network(folder / NETWORK, network)
    run(small(**chosen), "quantize", folder / NETWORK, inputs, folder)
    return int8_record.load(folder)


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return calibrated(Network(SPACE.decode(SPACE.smallest)), DATA)


@pytest.mark.parametrize(("kind", "file"), [("static", "int8"), ("dynamic", "dynamic"), ("fp16", "fp16")])
def test_the_agreement_is_that_of_all_validation_images(kind: str, file: str, network: Network, tmp_path: Path) -> None:
    told = quantized(tmp_path, network, kind=kind)
    images = DATA.fixed(DATA.validation, 0, 0)[0].numpy()
    logits = [
        file_logits(model, images)
        for model in (
            quantizing.fp32_file(Config().data, 0, network, "onnxruntime"),
            (tmp_path / f"{file}.onnx").read_bytes(),
        )
    ]
    assert told.agreement == np.mean(logits[0].argmax(1) == logits[1].argmax(1))
    assert (told.precision, told.images) == (file, len(images))
    assert told.lines()[0].startswith(
        f"{file.upper()} agrees with fp32 on {100 * told.agreement:.4g} % of {len(images)}"
    )
    assert (told.saturation is None) == (told.saturating is None) == (kind != "static")


def test_saturation_is_warned_of_unless_weights_are_of_seven_bits(network: Network, tmp_path: Path) -> None:
    wide, narrow = (
        quantized(tmp_path / str(reduce), network, kind="static", reduce_range=reduce) for reduce in (False, True)
    )
    images = DATA.fixed(DATA.train, LOOKED_AT["saturation"], 0)[0].numpy()
    loaded = load_network(tmp_path / "False" / NETWORK)
    assert isinstance(loaded, Network)
    shares = saturation((tmp_path / "False" / "int8.onnx").read_bytes(), loaded.specs, images)
    assert wide.saturation == {str(layer): share for layer, share in shares.items()}
    assert wide.warning == warning(shares)
    assert (wide.warning in wide.lines()) == (wide.saturating != 0)
    assert (narrow.warning, narrow.saturating) == ("", 0)


def test_a_file_that_saturates_warns(network: Network) -> None:
    saturating = Network(network.specs)
    saturating.load_state_dict(network.state_dict())
    with torch.no_grad():
        for module in saturating.modules():
            if isinstance(module, nn.Conv2d) and module.groups == 1:
                module.weight.abs_()  # neighbours add up
    calibrated(saturating, DATA)
    model = quantizing.fp32_file(Config().data, 0, saturating, "onnxruntime")
    file = quantize_within(
        model, quantizing.ranges_of(model, quantizing.calibration(Config().data, 512, 0), "minmax", {})
    )
    images = DATA.fixed(DATA.train, 8, 0)[0].numpy()
    told = int8_agreement.saturated(int8_record.Answers("int8", 1, 1.0, "", None, ""), file, saturating.specs, images)
    assert told.saturating
    assert "on an x86 CPU without VNNI, sums of INT8 products saturate in layers" in told.lines()[1]


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


def test_biases_are_corrected_where_it_is_asked(network: Network, tmp_path: Path) -> None:
    quantized(tmp_path, network, kind="static", bias_correction=True)
    model, config = quantizing.fp32_file(Config().data, 0, network, "onnxruntime"), small()
    ranges, images = ranges_of(model), quantizing.calibration(config.data, 64, 0)
    assert (tmp_path / "int8.onnx").read_bytes() == quantize_corrected(model, ranges, images)
    assert (tmp_path / "int8.onnx").read_bytes() != quantize_within(model, ranges)


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


def test_qat_trains_for_the_file_that_is_deployed(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Layers that the device runs faster in float stay in float in training and in the file."""
    found = tmp_path / fp32_fallback.FILE
    found.write_text(json.dumps([dataclasses.asdict(Faster(1, 2.0, 1.0))]))
    monkeypatch.setattr(fp32_fallback, "faster_layers", lambda plan, parent: found)
    recipe = dataclasses.replace(CompressConfig().qat, steps=2)
    config = small(float_layers="time", reduce_range=True)
    config = dataclasses.replace(config, compress=dataclasses.replace(config.compress, qat=recipe, distillation=0.0))
    (tmp_path / "retrained").mkdir()
    save_network(parent := tmp_path / "retrained" / NETWORK, network)
    trained, stage = tmp_path / "qat" / NETWORK, STAGES["qat"]
    needs = stage.needs(Plan(config), parent, parent)
    run(config, "qat", parent, needs, trained.parent)
    left = STAGES["quantize"].needs(Plan(config), parent, trained)
    assert set(left) == {"ranges", int8_record.FASTER_IN_FLOAT}
    run(config, "quantize", trained, left, tmp_path / "file")
    assert [one.layer for one in int8_record.load(tmp_path / "file").in_float] == [1]
    aware_network = load_network(trained)
    assert isinstance(aware_network, Network)
    aware = QuantizationAware(aware_network, float_layers=[1], reduce_range=True)
    ranges = json.loads(left["ranges"].read_text())
    assert set(ranges) == set(aware.ranges())
    for name, index in aware.activations.items():
        aware.low[index], aware.high[index] = ranges[name]
    images = DATA.fixed(DATA.validation, 64, 0)[0]
    deployed = file_logits((tmp_path / "file" / "int8.onnx").read_bytes(), images.numpy())
    fp32 = file_logits(quantizing.fp32_file(config.data, 0, aware_network, "onnxruntime"), images.numpy())
    ours = predict(aware, images).numpy()
    assert sensitivity.sqnr(ours, deployed) > sensitivity.sqnr(ours, fp32) + 3


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


def test_a_hand_made_network_is_only_compared(tmp_path: Path) -> None:
    torch.manual_seed(0)
    told = quantized(tmp_path, calibrated(Foreign("resnet8", 10, 1), DATA), kind="static")
    assert (told.saturation, told.blame) == (None, "")
    assert len(told.lines()) == 1


def test_a_folder_without_answers_is_named(tmp_path: Path) -> None:
    with pytest.raises(LutraError, match=r"has no int8\.json: compress\.stages must end with quantize"):
        int8_record.load(tmp_path)
