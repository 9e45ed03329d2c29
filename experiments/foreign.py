"""Hand-made networks through the recipe of the winner: trained, finetuned with what they were as teacher, INT8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import nn

from compress.finetune import distillation
from compress.foreign import export, foreign_network
from compress.parity import check_parity
from compress.quantize import quantize
from experiments import artefacts
from experiments.choices import dataset_of
from experiments.compress import array
from experiments.config import Config
from experiments.data import Dataset
from experiments.fitting import run_steps
from experiments.keys import data_key
from experiments.train import CALIBRATION, prepare
from search_spaces.errors import LutraError
from search_spaces.evaluation import calibrate
from search_spaces.training import cross_entropy


def foreign(config: Config, name: str) -> Path:
    """The folder of a hand-made network trained from scratch: model.safetensors, fp32.onnx, int8.onnx."""
    settings = {**_shared(config, name), "retrain": asdict(config.retrain)}
    return artefacts.step(
        Path(config.runs), "foreign", _label(config, name), settings, {}, lambda folder: _train(config, name, folder)
    )


def finetune_foreign(config: Config, name: str) -> Path:
    """The folder of the same after as many more steps as the winner has; the same files.

    The teacher is the network that `foreign` trained, as the unpruned winner is the pruned one's.
    """
    trained = foreign(config, name) / "model.safetensors"
    settings = {**_shared(config, name), "compress": asdict(config.compress)}
    return artefacts.step(
        Path(config.runs),
        "foreign_finetuned",
        _label(config, name),
        settings,
        {"trained": artefacts.sha256(trained)},
        lambda folder: _finetune(config, trained, name, folder),
    )


def _train(config: Config, name: str, folder: Path) -> None:
    prepare(config.threads, config.seed)
    data = dataset_of(config.data)
    network = foreign_network(name, len(data.classes), data.shape.in_channels)
    backward = cross_entropy(network, config.retrain.label_smoothing)
    run_steps(
        network, data, config.retrain, config.seed, backward, folder, f"training {name}", config.checkpoint_seconds
    )
    _save(config, name, network, folder)


def _finetune(config: Config, trained: Path, name: str, folder: Path) -> None:
    prepare(config.threads, config.seed)
    data, chosen = dataset_of(config.data), config.compress
    teacher, network = load_foreign(trained), load_foreign(trained)
    smoothing = chosen.finetune.label_smoothing
    backward = (
        distillation(network, teacher, chosen.temperature, chosen.distillation, smoothing)
        if chosen.distillation
        else cross_entropy(network, smoothing)
    )
    run_steps(
        network,
        data,
        chosen.finetune,
        config.seed,
        backward,
        folder,
        f"finetuning {name}",
        config.checkpoint_seconds,
    )
    _save(config, name, network, folder)


def _save(config: Config, name: str, network: nn.Module, folder: Path) -> None:
    """Weights with calibrated batch norms, and both files, the first of which answers as the network does."""
    data = dataset_of(config.data)
    calibrate(network, data.fixed(data.train, CALIBRATION, 0)[0])
    save_foreign(folder / "model.safetensors", name, network, data)
    model = export(network, (data.shape.in_channels, data.shape.resolution, data.shape.resolution))
    check_parity(network, model, data.fixed(data.validation, 100, config.seed)[0])
    artefacts.write(folder / "fp32.onnx", model)
    images = data.fixed(data.train, config.compress.calibration, config.seed)[0]
    artefacts.write(folder / "int8.onnx", quantize(model, array(images)))


def save_foreign(path: Path, name: str, network: nn.Module, data: Dataset) -> None:
    """Weights that say whose they are."""
    tensors = {key: tensor.contiguous() for key, tensor in network.state_dict().items()}
    metadata = {"model": name, "classes": str(len(data.classes)), "in_channels": str(data.shape.in_channels)}
    artefacts.write(path, save(tensors, metadata))


def load_foreign(path: Path) -> nn.Module:
    """The network, in eval mode. Raises LutraError where the file is no such one."""
    try:
        with safe_open(path, "pt") as file:
            found: Mapping[str, str] = file.metadata()
        network = foreign_network(found["model"], int(found["classes"]), int(found["in_channels"]))
        network.load_state_dict(load_file(path))
    except (LutraError, SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise LutraError(f"{path} holds no hand-made network ({str(error).splitlines()[0]})") from error
    return network.eval()


def _shared(config: Config, name: str) -> dict[str, object]:
    return {
        "model": name,
        "data": data_key(config.data),
        "seed": config.seed,
        "threads": config.threads,
        "calibration": config.compress.calibration,
    }


def _label(config: Config, name: str) -> str:
    return f"{name}-{config.data.name}-seed{config.seed}"
