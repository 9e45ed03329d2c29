"""The stage that writes the file that is deployed; and the files that others are compared by. All by the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from torch import nn

from compress.files.export import export
from compress.files.parity import check_parity
from compress.quantization.bias_correction import quantize_corrected
from compress.quantization.calibration import Ranges, activation_ranges
from compress.quantization.dynamic import dynamic
from compress.quantization.half import half
from compress.quantization.quantize import quantize_within
from compress.quantization.sensitivity import Sensitivity, Write, float_layers, sensitivities
from experiments.config import DataConfig
from experiments.config.compression import QuantizeConfig
from experiments.display.layer_numbers import numbers
from experiments.setup.images import dataset_of
from experiments.stages.int8_agreement import InFloat, compared, faster, saturated, save
from experiments.stages.settings import Quantize
from experiments.stages.task import Task
from experiments.store import artefacts
from experiments.store.json_records import typed
from experiments.store.weights import load_network
from search_spaces.documents import read_json
from search_spaces.networks.evaluation import Images
from search_spaces.networks.network import Network
from search_spaces.networks.onnx_writer import write


def quantize(task: Task[Quantize]) -> None:
    """Writes the file, and int8.json: how far it answers as its network does."""
    settings, network = task.settings, load_network(task.parent)
    images, kind, whole = settings.data.at(task.means), settings.quantize.kind, settings.whole
    model, kept, table = fp32_file(images, settings.seed, network), list[InFloat](), list[Sensitivity]()
    if kind == "static":
        file, kept, table = _static(task, model, isinstance(network, Network))
    else:
        file = {"fp16": half, "dynamic": dynamic}[kind](model)
    precision = "int8" if kind == "static" else kind
    found = numbers(whole, network.specs) if isinstance(network, Network) and whole is not None else []
    artefacts.write(task.folder / f"{precision}.onnx", file)
    data = dataset_of(images)
    answers = compared(precision, model, file, data.fixed(data.validation, 0, 0)[0], table, kept, found)
    if kind == "static" and isinstance(network, Network):
        few = array(data.fixed(data.train, settings.looked_at["saturation"], settings.seed)[0])
        answers = saturated(answers, file, network.specs, few)
    save(task.folder, answers)


def _static(task: Task[Quantize], model: bytes, ours: bool) -> tuple[bytes, list[InFloat], list[Sensitivity]]:
    """The file, the layers that stay in float, and what each of the others costs."""
    settings, kept = task.settings, faster(task.inputs)
    chosen = settings.quantize
    images = calibration(settings.data.at(task.means), settings.calibration, settings.seed)
    encode = encoder(chosen, model, ranges_of(model, images, chosen.method, task.inputs), images)
    table: list[Sensitivity] = []
    if ours or chosen.float_layers in ("accuracy", "both"):
        looked_at = images[: settings.looked_at["sensitivity"]]
        named = {one.layer for one in kept}
        table = sensitivities(model, encode, looked_at, named)
        artefacts.write_csv(task.folder / "sensitivity.csv", [asdict(row) for row in table])
        if chosen.float_layers in ("accuracy", "both"):
            more = {*float_layers(model, encode, looked_at, table, named)} - named
            kept += [InFloat(layer, "accuracy") for layer in sorted(more)]
    layers = [one.layer for one in kept]
    return encode(layers), kept, [row for row in table if row.layer not in layers]


def encoder(chosen: QuantizeConfig, model: bytes, ranges: Ranges, images: np.ndarray) -> Write:
    """How the deployed file is written, for any layers that stay in float. Biases are corrected on the images."""
    if chosen.bias_correction:
        return lambda kept: quantize_corrected(model, ranges, images, kept, chosen.reduce_range)
    return lambda kept: quantize_within(model, ranges, kept, chosen.reduce_range)


def ranges_of(model: bytes, images: np.ndarray, method: str, inputs: Mapping[str, Path]) -> Ranges:
    """Those that were learned, or those of calibration images."""
    if "ranges" in inputs:
        return typed(dict[str, tuple[float, float]], read_json(inputs["ranges"], "file of ranges"), inputs["ranges"])
    return activation_ranges(model, images, method)


def calibration(images: DataConfig, count: int, seed: int) -> np.ndarray:
    """Training images that activations' ranges are found on, [N, C, H, W]."""
    data = dataset_of(images)
    return array(data.fixed(data.train, count, seed)[0])


def fp32_file(images: DataConfig, seed: int, network: nn.Module) -> bytes:
    """The network's ONNX file, after checking on images that it answers as the network does."""
    data = dataset_of(images)
    if isinstance(network, Network):
        model = write(network.specs, network.folded())
    else:
        model = export(network, data.shape.image)
    check_parity(network, model, data.fixed(data.validation, 100, seed)[0])
    return model


def array(images: Images) -> np.ndarray:
    """All of them at once, normalised: for the few that ranges are found on."""
    return images.numpy()
