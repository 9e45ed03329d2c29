"""The stage that writes the deployed file, and the files that others are compared with; all on the CPU."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np
from safetensors.torch import save as save_weights
from torch import nn

from compress.files.export import export
from compress.files.parity import check_parity, with_pixels
from compress.files.source import Source
from compress.quantization.calibration import Ranges, activation_ranges
from compress.quantization.sensitivity import Sensitivity, Write, float_layers, sensitivities
from compress.runtimes import RUNTIMES
from experiments.config import DataConfig
from experiments.config.compression import QuantizeConfig
from experiments.data.dataset import Dataset
from experiments.display.layer_numbers import numbers
from experiments.setup.cache import remembered
from experiments.setup.images import dataset_of
from experiments.stages.int8_agreement import compared, saturated, with_other_runtimes
from experiments.stages.int8_record import InFloat, faster, save
from experiments.stages.settings import Quantize
from experiments.stages.task import Task
from experiments.store import artefacts
from experiments.store.json_records import typed
from experiments.store.weights import load_network
from search_spaces.documents import read_json
from search_spaces.networks.evaluation import Images
from search_spaces.networks.network import Network, image_shape


def quantize(task: Task[Quantize]) -> None:
    """Writes the file, and int8.json: how well it agrees with its network."""
    settings, network = task.settings, load_network(task.parent)
    images, kind, whole = settings.data.at(task.means), settings.quantize.kind, settings.whole
    source, runtime = source_of(images, settings.seed, network), RUNTIMES[settings.runtime]
    made = _static(task, source) if kind == "static" else Static(getattr(runtime, kind)(source))
    precision = "int8" if kind == "static" else kind
    found = numbers(whole, network.specs) if isinstance(network, Network) and whole is not None else []
    data = dataset_of(images)
    validation = data.fixed(data.validation, 0, 0)[0]
    file = inside(made.file, data, settings.seed) if settings.inside else made.file
    artefacts.write(task.folder / f"{precision}{runtime.SUFFIX}", file)
    answers = compared(precision, source.onnx, made.file, validation, made.table, made.kept, found)
    if kind == "static" and isinstance(network, Network):
        few = array(data.fixed(data.train, settings.looked_at["saturation"], settings.seed)[0])
        answers = with_other_runtimes(answers, made.file, made.others, few)
        if runtime.SATURATES:
            answers = saturated(answers, made.file, network.specs, few)
    save(task.folder, answers)


@dataclass(frozen=True)
class Static:
    """A file, its layers in float, the sensitivity of its other layers, and the files for other runtimes."""

    file: bytes
    kept: Sequence[InFloat] = ()
    table: Sequence[Sensitivity] = ()
    others: Mapping[str, bytes] = field(default_factory=dict)


def _static(task: Task[Quantize], source: Source) -> Static:
    settings, kept = task.settings, faster(task.inputs)
    chosen, model = settings.quantize, source.onnx
    images = calibration(settings.data.at(task.means), settings.calibration, settings.seed)
    ranges = ranges_of(model, images, chosen.method, task.inputs)
    encode = encoder(chosen, settings.runtime, source, ranges, images)
    table: list[Sensitivity] = []
    if source.specs or chosen.float_layers in ("accuracy", "both"):
        looked_at = images[: settings.looked_at["sensitivity"]]
        named = {one.layer for one in kept}
        columns = [one.name for one in fields(Sensitivity)]  # there are no rows if every layer stays in float
        table = sensitivities(model, encode, looked_at, named)
        artefacts.write_csv(task.folder / "sensitivity.csv", [asdict(row) for row in table], columns)
        if chosen.float_layers in ("accuracy", "both"):
            more = {*float_layers(model, encode, looked_at, table, named)} - named
            kept += [InFloat(layer, "accuracy") for layer in sorted(more)]
    layers = [one.layer for one in kept]
    same = bool(source.specs) and not (chosen.bias_correction or chosen.reduce_range)
    rest = {name: one for name, one in RUNTIMES.items() if same and name != settings.runtime}
    others = {name: one.int8(source, ranges, layers) for name, one in rest.items()}
    return Static(encode(layers), kept, [row for row in table if row.layer not in layers], others)


def encoder(chosen: QuantizeConfig, runtime: str, source: Source, ranges: Ranges, images: np.ndarray) -> Write:
    """A function that writes the deployed file for given layers in float. Biases are corrected on the images."""
    written = RUNTIMES[runtime]
    if chosen.bias_correction:
        return lambda kept: written.int8_corrected(source, ranges, images, kept, chosen.reduce_range)
    return lambda kept: written.int8(source, ranges, kept, chosen.reduce_range)


def ranges_of(model: bytes, images: np.ndarray, method: str, inputs: Mapping[str, Path]) -> Ranges:
    """The learned activation ranges, or those of calibration images."""
    if "ranges" in inputs:
        return typed(dict[str, tuple[float, float]], read_json(inputs["ranges"], "file of ranges"), inputs["ranges"])
    return activation_ranges(model, images, method)


def calibration(images: DataConfig, count: int, seed: int) -> np.ndarray:
    """Training images [N, C, H, W] for finding activation ranges."""
    data = dataset_of(images)
    return array(data.fixed(data.train, count, seed)[0])


def source_of(images: DataConfig, seed: int, network: nn.Module) -> Source:
    """The source from which the network's files are written, after checking on images that it agrees with it."""
    data = dataset_of(images)
    if isinstance(network, Network):
        source = Source.of(network)
    else:
        weights = save_weights({name: tensor.contiguous() for name, tensor in network.state_dict().items()})
        key = hashlib.sha256(repr(network).encode() + weights).hexdigest()
        source = Source(remembered(f"export {key}", lambda: export(network, image_shape(network, data.shape.image))))
    check_parity(network, source.onnx, data.fixed(data.validation, 100, seed)[0])
    return source


def fp32_file(images: DataConfig, seed: int, network: nn.Module, runtime: str, takes_pixels: bool = False) -> bytes:
    """The network's file, after checking on images that it agrees with the network."""
    file: bytes = RUNTIMES[runtime].fp32(source_of(images, seed, network))
    data = dataset_of(images)
    check_parity(network, file, data.fixed(data.validation, 100, seed)[0])
    return inside(file, data, seed) if takes_pixels else file


def inside(file: bytes, data: Dataset, seed: int) -> bytes:
    """The file with normalisation and softmax inside, after checking on images that it answers alike."""
    return with_pixels(file, data.fixed(data.validation, 100, seed)[0])


def array(images: Images) -> np.ndarray:
    """All images at once, normalised; meant for few images."""
    return images.numpy()
