"""Tests the last stage's report on its file: agreement with fp32, saturation, and the file that it deploys."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from compress.files.foreign import Foreign
from compress.files.parity import file_logits
from compress.quantization import sensitivity
from compress.quantization.bias_correction import quantize_corrected
from compress.quantization.faster_in_float import Faster
from compress.quantization.qat import QuantizationAware
from compress.quantization.quantize import quantize_within
from compress.quantization.saturation import saturation, warning
from experiments.config import Config
from experiments.config.compression import CompressConfig
from experiments.stages import NETWORK, STAGES, fp32_fallback, int8_agreement, int8_record, quantizing
from experiments.stages.settings import LOOKED_AT
from experiments.steps.plan import Plan
from experiments.steps.train import calibrated
from experiments.store.weights import load_network, save_network
from search_spaces.errors import LutraError
from search_spaces.networks.evaluation import predict
from search_spaces.networks.network import Network
from tests.compress.stages.on_digits import DATA, quantized, ranges_of, run, small


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


def test_biases_are_corrected_where_it_is_asked(network: Network, tmp_path: Path) -> None:
    quantized(tmp_path, network, kind="static", bias_correction=True)
    model, config = quantizing.fp32_file(Config().data, 0, network, "onnxruntime"), small()
    ranges, images = ranges_of(model), quantizing.calibration(config.data, 64, 0)
    assert (tmp_path / "int8.onnx").read_bytes() == quantize_corrected(model, ranges, images)
    assert (tmp_path / "int8.onnx").read_bytes() != quantize_within(model, ranges)


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


@pytest.mark.usefixtures("one_registry")
def test_a_hand_made_network_is_only_compared(tmp_path: Path) -> None:
    torch.manual_seed(0)
    told = quantized(tmp_path, calibrated(Foreign("resnet8", 10, 1), DATA), kind="static")
    assert (told.saturation, told.blame) == (None, "")
    assert len(told.lines()) == 1


def test_a_folder_without_answers_is_named(tmp_path: Path) -> None:
    with pytest.raises(LutraError, match=r"has no int8\.json: compress\.stages must end with quantize"):
        int8_record.load(tmp_path)
