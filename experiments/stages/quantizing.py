"""The stage that writes the file that is deployed; and the files that others are compared by."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from compress.calibration import activation_ranges
from compress.dynamic import dynamic
from compress.export import export
from compress.half import half
from compress.parity import check_parity
from compress.quantize import quantize as quantize_file
from compress.quantize import quantize_within
from compress.sensitivity import float_layers, sensitivities
from experiments import artefacts
from experiments.choices import dataset_of
from experiments.config import Config
from experiments.stages.learning import RANGES
from experiments.stages.task import Task
from experiments.weights import load_network
from search_spaces.network import Network
from search_spaces.onnx_writer import write


def quantize(task: Task) -> None:
    chosen, network = task.config.compress.quantize, load_network(task.parent)
    model = fp32_file(task.config, network)
    if chosen.kind == "fp16":
        artefacts.write(task.folder / "fp16.onnx", half(model))
    elif chosen.kind == "dynamic":
        artefacts.write(task.folder / "int8.onnx", dynamic(model))
    else:
        artefacts.write(task.folder / "int8.onnx", _static(task, model, isinstance(network, Network)))


def _static(task: Task, model: bytes, ours: bool) -> bytes:
    """With the ranges that quantization-aware training has learned, where it came before."""
    chosen = task.config.compress.quantize
    images = array(task.data.fixed(task.data.train, task.config.compress.calibration, task.config.seed)[0])
    ranges = activation_ranges(model, images, chosen.method)
    if "ranges" in task.inputs:
        learned = json.loads(task.inputs["ranges"].read_text())
        ranges = {name: tuple(pair) for name, pair in learned.items()}
    kept: tuple[int, ...] = ()
    if ours:
        table = sensitivities(model, ranges, images)
        artefacts.write_csv(task.folder / "sensitivity.csv", [asdict(row) for row in table])
        if chosen.float_layers:
            kept = float_layers(model, ranges, images, table)
    return quantize_within(model, ranges, kept, chosen.reduce_range)


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
