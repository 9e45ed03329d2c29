"""The stage that writes the file that is deployed; and the files that others are compared by. All by the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from torch import nn

from compress.bias_correction import quantize_corrected
from compress.calibration import Ranges, activation_ranges
from compress.dynamic import dynamic
from compress.export import export
from compress.half import half
from compress.parity import check_parity
from compress.quantize import quantize_within
from compress.sensitivity import Sensitivity, Write, float_layers, sensitivities
from experiments import artefacts
from experiments.config import Config
from experiments.images import dataset_of
from experiments.json_records import typed
from experiments.layer_numbers import layer_numbers
from experiments.stages.int8_agreement import InFloat, compared, faster, saturated, save
from experiments.stages.task import Task
from experiments.weights import load_network
from search_spaces.documents import read_json
from search_spaces.evaluation import Images
from search_spaces.network import Network
from search_spaces.onnx_writer import write

LOOKED_AT = {"sensitivity": 256, "saturation": 8}  # training images, at most


def quantize(task: Task) -> None:
    """Writes the file, and int8.json: how far it answers as its network does."""
    kind, network, data = task.config.compress.quantize.kind, load_network(task.parent), dataset_of(task.config.data)
    model, kept, table = fp32_file(task.config, network), list[InFloat](), list[Sensitivity]()
    if kind == "static":
        file, kept, table = _static(task, model, isinstance(network, Network))
    else:
        file = {"fp16": half, "dynamic": dynamic}[kind](model)
    precision = "int8" if kind == "static" else kind
    numbers: list[int] = []
    if isinstance(network, Network) and task.whole is not None:
        numbers = layer_numbers(task.config, task.whole, network.specs)
    artefacts.write(task.folder / f"{precision}.onnx", file)
    answers = compared(precision, model, file, data.fixed(data.validation, 0, 0)[0], table, kept, numbers)
    if kind == "static" and isinstance(network, Network):
        images = array(data.fixed(data.train, LOOKED_AT["saturation"], task.config.seed)[0])
        answers = saturated(answers, file, network.specs, images)
    save(task.folder, answers)


def _static(task: Task, model: bytes, ours: bool) -> tuple[bytes, list[InFloat], list[Sensitivity]]:
    """The file, the layers that stay in float, and what each of the others costs."""
    chosen, kept = task.config.compress.quantize, faster(task.inputs)
    encode = encoder(task.config, model, ranges_of(task.config, model, task.inputs))
    table: list[Sensitivity] = []
    if ours or chosen.float_layers in ("accuracy", "both"):
        images = calibration(task.config)[: LOOKED_AT["sensitivity"]]
        named = {one.layer for one in kept}
        table = sensitivities(model, encode, images, named)
        artefacts.write_csv(task.folder / "sensitivity.csv", [asdict(row) for row in table])
        if chosen.float_layers in ("accuracy", "both"):
            more = {*float_layers(model, encode, images, table, named)} - named
            kept += [InFloat(layer, "accuracy") for layer in sorted(more)]
    layers = [one.layer for one in kept]
    return encode(layers), kept, [row for row in table if row.layer not in layers]


def encoder(config: Config, model: bytes, ranges: Ranges) -> Write:
    """How the deployed file is written, for any layers that stay in float."""
    chosen = config.compress.quantize
    if chosen.bias_correction:
        images = calibration(config)
        return lambda kept: quantize_corrected(model, ranges, images, kept, chosen.reduce_range)
    return lambda kept: quantize_within(model, ranges, kept, chosen.reduce_range)


def ranges_of(config: Config, model: bytes, inputs: Mapping[str, Path]) -> Ranges:
    """Those that were learned, or those of calibration images."""
    if "ranges" in inputs:
        return typed(dict[str, tuple[float, float]], read_json(inputs["ranges"], "file of ranges"), inputs["ranges"])
    return activation_ranges(model, calibration(config), config.compress.quantize.method)


def calibration(config: Config) -> np.ndarray:
    """Training images that activations' ranges are found on, [N, C, H, W]."""
    data = dataset_of(config.data)
    return array(data.fixed(data.train, config.compress.calibration, config.seed)[0])


def fp32_file(config: Config, network: nn.Module) -> bytes:
    """The network's ONNX file, after checking that it answers as the network does."""
    data = dataset_of(config.data)
    if isinstance(network, Network):
        model = write(network.specs, network.folded())
    else:
        model = export(network, data.shape.image)
    check_parity(network, model, data.fixed(data.validation, 100, config.seed)[0])
    return model


def array(images: Images) -> np.ndarray:
    """All of them at once, normalised: for the few that ranges are found on."""
    return images.numpy()
