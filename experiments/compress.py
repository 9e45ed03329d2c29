"""python -m experiments.compress: the winner is trained, pruned, finetuned and quantized for the device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from torch import Tensor

from compress.finetune import distillation
from compress.parity import check_parity
from compress.prune import prune
from compress.quantize import quantize
from experiments import artefacts, command
from experiments.choices import dataset_of
from experiments.config import Config
from experiments.fitting import run_steps
from experiments.keys import data_key
from experiments.search import read_winner, search
from experiments.train import calibrated, prepare, retrain
from experiments.weights import load_network, save_network
from search_spaces.network import Network
from search_spaces.onnx_writer import write
from search_spaces.training import cross_entropy


def compress(config: Config) -> Path:
    """The folder of pruned.safetensors, finetuned.safetensors and int8.onnx."""
    winner = retrain(config, read_winner(search(config)).arch)
    settings: Mapping[str, object] = {
        "compress": asdict(config.compress),
        "data": data_key(config.data),
        "seed": config.seed,
        "threads": config.threads,
    }
    inputs = {"winner": artefacts.sha256(winner)}
    label = f"{config.space.name}-{config.data.name}-seed{config.seed}"
    return artefacts.step(
        Path(config.runs), "compress", label, settings, inputs, lambda folder: _compress(config, winner, folder)
    )


def _compress(config: Config, winner: Path, folder: Path) -> None:
    prepare(config.threads, config.seed)
    data, chosen = dataset_of(config.data), config.compress
    teacher = load_network(winner)
    network = calibrated(prune(teacher, chosen.keep), data)
    save_network(folder / "pruned.safetensors", network)
    smoothing = chosen.finetune.label_smoothing
    backward = (
        distillation(network, teacher, chosen.temperature, chosen.distillation, smoothing)
        if chosen.distillation
        else cross_entropy(network, smoothing)
    )
    run_steps(network, data, chosen.finetune, config.seed, backward, folder, "finetuning", config.checkpoint_seconds)
    save_network(folder / "finetuned.safetensors", calibrated(network, data))
    artefacts.write(folder / "int8.onnx", int8_file(config, network))


def fp32_file(config: Config, network: Network) -> bytes:
    """The network's ONNX file, after checking that it answers as the network does."""
    data = dataset_of(config.data)
    model = write(network.specs, network.folded())
    check_parity(network, model, data.fixed(data.validation, 100, config.seed)[0])
    return model


def int8_file(config: Config, network: Network) -> bytes:
    """The network's INT8 file, with ranges from training images."""
    data = dataset_of(config.data)
    images = data.fixed(data.train, config.compress.calibration, config.seed)[0]
    return quantize(fp32_file(config, network), array(images))


def array(images: Tensor) -> np.ndarray:
    return np.ascontiguousarray(images.numpy())


if __name__ == "__main__":
    command.run(compress)
