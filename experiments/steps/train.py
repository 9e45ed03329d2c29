"""Trains the supernet, which contains every network of the space, and single networks from scratch."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from torch import nn

from compress.files.foreign import Foreign
from compress.files.own_kinds import OWN_KINDS
from experiments.compute import process_group
from experiments.compute.accelerator import accelerator, repeatable
from experiments.compute.resumable_training import run_steps
from experiments.config.choices import RULES
from experiments.data.dataset import Dataset
from experiments.display import events
from experiments.setup.images import placed
from experiments.steps.settings import Alone
from experiments.steps.settings import Supernet as SupernetSettings
from experiments.store import artefacts
from experiments.store.step import Means, Step
from experiments.store.weights import save_network, save_supernet
from search_spaces.networks.evaluation import Model, accuracy, calibrate, predict
from search_spaces.networks.network import Network
from search_spaces.networks.supernet import Supernet
from search_spaces.training.loop import Training, cross_entropy

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h
CALIBRATION = 512  # training images for batch-norm statistics
SHOWN = 1000  # validation images of a point of the supernet's curve: the largest network is slow


def together(step: Callable[[int], Step], means: Means, work: Callable[[Step, Path], None]) -> Path:
    """The folder of a step that all processes of torchrun run together; their number is part of its key."""
    settings = step(1).settings
    assert isinstance(settings, SupernetSettings)
    with process_group.joined(accelerator(settings.accelerator)):
        process_group.check(settings.train.batch)
        shared = step(process_group.size())
        return process_group.together(lambda done: shared.made(means, done), partial(work, shared))


def work(settings: SupernetSettings, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Trains the supernet."""
    prepare(max(1, settings.threads // settings.processes), settings.seed)
    space, recipe = settings.space, settings.train
    data = placed(settings.data.at(means), settings.accelerator)
    supernet = Supernet(space).to(accelerator(settings.accelerator))
    backward = RULES[recipe.rule](process_group.parallel(supernet), space, recipe.label_smoothing, settings.seed)
    extremes = {"largest": space.largest, "smallest": space.smallest, "reference": space.reference}

    def validated(average: nn.Module) -> dict[str, float]:
        assert isinstance(average, Supernet)
        return {name: validate(average.extract(arch), data, SHOWN) for name, arch in extremes.items()}

    every, name = means.checkpoint_seconds, "training the supernet"
    run_steps(supernet, data, recipe, settings.seed, backward, folder, name, every, validated)
    if process_group.leading():
        with events.writer(folder, recipe.steps) as board:
            events.show_graph(board, supernet.extract(space.largest))  # which contains all others
        save_supernet(folder / "supernet.safetensors", supernet)


def alone(settings: Alone, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Trains one network from scratch."""
    save_network(folder / "network.safetensors", trained(settings, means, folder)[0])


def trained(settings: Alone, means: Means, folder: Path) -> tuple[nn.Module, Training]:
    """A network trained from scratch and calibrated, and its training."""
    prepare(settings.threads, settings.seed)
    data, recipe = placed(settings.data.at(means), settings.accelerator), settings.retrain
    network = _built(settings, data).to(accelerator(settings.accelerator))
    role = folder.name.rpartition(settings.label)[0].replace("-", " ")  # "winner ", for example
    name = settings.model if settings.arch is None else f"{role}{artefacts.arch_name(settings.arch)}"
    backward = cross_entropy(network, recipe.label_smoothing)
    images, label, every = data.joined if recipe.all_images else data, f"training {name}", means.checkpoint_seconds
    training = run_steps(network, images, recipe, settings.seed, backward, folder, label, every)
    return calibrated(network, data), training


def _built(settings: Alone, data: Dataset) -> nn.Module:
    if settings.model in OWN_KINDS:
        return Network(OWN_KINDS[settings.model](data.shape.in_channels, data.shape.resolution, data.shape.classes))
    if settings.space is None or settings.arch is None:
        return Foreign(settings.model, data.shape.classes, data.shape.in_channels)
    return Network([spec for spec in settings.space.decode(settings.arch) if spec.convs])


def calibrated(network: Model, data: Dataset) -> Model:
    return calibrate(network, data.fixed(data.train, CALIBRATION, 0)[0])


def validate(network: nn.Module, data: Dataset, count: int = 0) -> float:
    """Accuracy on `count` validation images, or on all of them, after calibration; as a fraction."""
    images, labels = data.fixed(data.validation, count, 0)
    return accuracy(predict(calibrated(network, data), images), labels)


def prepare(threads: int, seed: int) -> None:
    """Sets seed and threads; the same ones give the same weights, bit for bit, on one machine."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    repeatable()
    keep_memory()


def keep_memory() -> None:
    """Makes glibc keep freed memory: layers allocate many MB, and page faults take a tenth of the training time."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_MMAP_MAX, 0)  # type: ignore[union-attr]
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)  # type: ignore[union-attr]
