"""The stage that writes the file that is deployed; and the files that others are compared by. All by the CPU."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from compress.calibration import Ranges, activation_ranges
from compress.dynamic import dynamic
from compress.export import export
from compress.half import half
from compress.parity import check_parity
from compress.quantize import quantize as quantize_file
from compress.quantize import quantize_within
from compress.sensitivity import Sensitivity, float_layers, sensitivities
from experiments import artefacts
from experiments.choices import dataset_of
from experiments.config import Config
from experiments.stages.answers import compared, saturated, save
from experiments.stages.learning import RANGES
from experiments.stages.task import Task
from experiments.weights import load_network
from search_spaces.network import Network
from search_spaces.onnx_writer import write

LOOKED_AT = {"sensitivity": 256, "saturation": 8}  # training images, at most


def quantize(task: Task) -> None:
    """Writes the file, and int8.json: how far it answers as its network does."""
    kind, network, data = task.config.compress.quantize.kind, load_network(task.parent), dataset_of(task.config.data)
    model, table = fp32_file(task.config, network), list[Sensitivity]()
    if kind == "static":
        file, table = _static(task, model, isinstance(network, Network))
    else:
        file = {"fp16": half, "dynamic": dynamic}[kind](model)
    precision = "int8" if kind == "static" else kind
    artefacts.write(task.folder / f"{precision}.onnx", file)
    answers = compared(precision, model, file, array(data.fixed(data.validation, 0, 0)[0]), table)
    if kind == "static" and isinstance(network, Network):
        images = array(data.fixed(data.train, LOOKED_AT["saturation"], task.config.seed)[0])
        answers = saturated(answers, file, network.specs, images)
    save(task.folder, answers)


def _static(task: Task, model: bytes, ours: bool) -> tuple[bytes, list[Sensitivity]]:
    """The file, with the ranges that quantization-aware training has learned, where it came before; and what each of
    its INT8 layers costs."""
    chosen, data = task.config.compress.quantize, dataset_of(task.config.data)
    images = array(data.fixed(data.train, task.config.compress.calibration, task.config.seed)[0])
    if "ranges" in task.inputs:
        learned = json.loads(task.inputs["ranges"].read_text())
        ranges: Ranges = {name: (low, high) for name, (low, high) in learned.items()}
    else:
        ranges = activation_ranges(model, images, chosen.method)
    kept: tuple[int, ...] = ()
    table: list[Sensitivity] = []
    if ours:
        table = sensitivities(model, ranges, images[: LOOKED_AT["sensitivity"]])
        artefacts.write_csv(task.folder / "sensitivity.csv", [asdict(row) for row in table])
        if chosen.float_layers:
            kept = float_layers(model, ranges, images, table)
    file = quantize_within(model, ranges, kept, chosen.reduce_range)
    return file, [row for row in table if row.layer not in kept]


def ranges(config: Config, root: Path, parent: Path) -> dict[str, Path]:
    learned = parent.parent / RANGES
    return {"ranges": learned} if learned.exists() else {}


def fp32_file(config: Config, network: nn.Module) -> bytes:
    """The network's ONNX file, after checking that it answers as the network does."""
    data = dataset_of(config.data)
    if isinstance(network, Network):
        model = write(network.specs, network.folded())
    else:
        model = export(network, data.shape.image)
    check_parity(network, model, data.fixed(data.validation, 100, config.seed)[0])
    return model


def int8_file(config: Config, network: nn.Module) -> bytes:
    """The network's INT8 file as it comes by default, with ranges from training images."""
    data = dataset_of(config.data)
    images = data.fixed(data.train, config.compress.calibration, config.seed)[0]
    return quantize_file(fp32_file(config, network), array(images))


def array(images: Tensor) -> np.ndarray:
    return np.ascontiguousarray(images.numpy())
