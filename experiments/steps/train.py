"""The supernet, which holds every network of the space; and networks from scratch."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from compress.foreign import Foreign
from experiments import artefacts, events, process_group
from experiments.accelerator import accelerator, repeatable
from experiments.choices import RULES, space_of
from experiments.config import Config
from experiments.data.dataset import Dataset
from experiments.fitting import run_steps
from experiments.images import dataset_of, training_data
from experiments.keys import accelerator_key, data_key, space_key
from experiments.weights import save_network, save_supernet
from search_spaces.evaluation import Model, accuracy, calibrate, predict
from search_spaces.network import Network
from search_spaces.space import Arch
from search_spaces.supernet import Supernet
from search_spaces.training import cross_entropy

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h
CALIBRATION = 512  # training images for batch-norm statistics


def train(config: Config) -> Path:
    """The supernet's file."""
    with process_group.joined(accelerator(config.accelerator)):
        process_group.check(config.train.batch)
        settings = {**_shared(config), "seed": config.supernet_seed, "train": asdict(config.train)}
        settings |= {"processes": process_group.size()} if process_group.size() > 1 else {}  # sums round otherwise
        label = f"{config.space.name}-{config.data.name}-seed{config.supernet_seed}"
        folder = process_group.together(
            lambda work: artefacts.step(Path(config.runs), "train", label, settings, {}, work),
            lambda folder: _train(config, folder),
        )
    return folder / "supernet.safetensors"


def _train(config: Config, folder: Path) -> None:
    prepare(max(1, config.threads // process_group.size()), config.supernet_seed)
    space, data, recipe = space_of(config), training_data(config), config.train
    supernet = Supernet(space).to(accelerator(config.accelerator))
    backward = RULES[recipe.rule](process_group.parallel(supernet), space, recipe.label_smoothing, config.supernet_seed)
    extremes = {"largest": space.largest, "smallest": space.smallest, "reference": space.reference}

    def validated(average: nn.Module) -> dict[str, float]:
        assert isinstance(average, Supernet)
        return {name: validate(average.extract(arch), data) for name, arch in extremes.items()}

    every, name = config.checkpoint_seconds, "training the supernet"
    run_steps(supernet, data, recipe, config.supernet_seed, backward, folder, name, every, validated)
    if process_group.leading():
        with events.writer(folder, recipe.steps) as board:
            events.show_config(board, config)
            events.show_graph(board, supernet.extract(space.largest))  # which holds all others
        save_supernet(folder / "supernet.safetensors", supernet)


def retrain(config: Config, arch: Arch) -> Path:
    """The file of a network trained from scratch: the same recipe for every architecture."""
    space = space_of(config)
    arch = space.canonical(space.check(arch))
    specs = [spec for spec in space.decode(arch) if spec.convs]
    settings = {**_shared(config), "retrain": asdict(config.retrain), "arch": arch}
    return _alone(config, config.space.name, artefacts.arch_name(arch), settings, lambda: Network(specs))


def retrain_foreign(config: Config, model: str) -> Path:
    """The file of a hand-made network trained from scratch, by the recipe of ours."""
    settings = {**_shared(config), "retrain": asdict(config.retrain), "model": model}
    del settings["space"]
    shape = dataset_of(config.data).shape
    return _alone(config, model, model, settings, lambda: Foreign(model, shape.classes, shape.in_channels))


def _alone(config: Config, label: str, name: str, settings: dict[str, object], built: Callable[[], nn.Module]) -> Path:
    def work(folder: Path) -> None:
        prepare(config.threads, config.seed)
        data, network, recipe = training_data(config), built().to(accelerator(config.accelerator)), config.retrain
        backward = cross_entropy(network, recipe.label_smoothing)
        run_steps(network, data, recipe, config.seed, backward, folder, f"training {name}", config.checkpoint_seconds)
        save_network(folder / "network.safetensors", calibrated(network, data))

    label = f"{label}-{config.data.name}-seed{config.seed}"
    return artefacts.step(Path(config.runs), "retrain", label, settings, {}, work) / "network.safetensors"


def calibrated(network: Model, data: Dataset) -> Model:
    return calibrate(network, data.fixed(data.train, CALIBRATION, 0)[0])


def validate(network: Network, data: Dataset) -> float:
    """Validation accuracy after calibration, fraction."""
    images, labels = data.fixed(data.validation, 0, 0)
    return accuracy(predict(calibrated(network, data), images), labels)


def prepare(threads: int, seed: int) -> None:
    """The same seed and threads give the same weights, bit for bit, on one machine."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    repeatable()
    keep_memory()


def keep_memory() -> None:
    """Has glibc keep what it frees: tensors of many MB come and go at every layer, and fresh pages cost a tenth of the
    time."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_MMAP_MAX, 0)  # type: ignore[union-attr]
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)  # type: ignore[union-attr]


def _shared(config: Config) -> dict[str, object]:
    return {
        "space": space_key(config),
        "data": data_key(config.data),
        "seed": config.seed,
        "threads": config.threads,
        **accelerator_key(config),
    }
