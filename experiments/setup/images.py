"""The images of a configuration, read once per process."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import torch

from experiments.compute.accelerator import accelerator
from experiments.config import Config, DataConfig
from experiments.config.registry import DATASETS
from experiments.data.dataset import Dataset
from experiments.display.progress import console, track
from experiments.setup.recipes import check_batches
from search_spaces.errors import LutraError


@cache
def dataset_of(config: DataConfig) -> Dataset:
    """The images, read once per process."""
    grouped = {"group": config.group} if config.group else {}
    split = (config.validation, config.seed)
    data = DATASETS[config.name](config.path, config.size, *split, _reading, config.cache, **grouped)
    if data.passed:
        console.print(f"skipped in {config.path}: {data.passed}", markup=False, highlight=False, soft_wrap=True)
    for line in data.summary:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return replace(data, flip=data.flip and config.flip, balanced=config.balanced)


def check(config: Config) -> None:
    """Prints a line if a batch is larger than the data set. Raises LutraError if it is also unusually large."""
    if line := check_batches(config, len(dataset_of(config.data).train.labels)):
        _say_once(line)


@cache
def _say_once(line: str) -> None:
    console.print(line, soft_wrap=True, highlight=False, markup=False)


def placed(data: DataConfig, accelerator_name: str) -> Dataset:
    """All images, as bytes, on the device where torch computes, so that batches need no copying."""
    return _placed(data, accelerator(accelerator_name))


@cache
def _placed(data: DataConfig, device: torch.device) -> Dataset:
    try:
        return dataset_of(data).to(device)
    except torch.OutOfMemoryError as error:
        raise LutraError(
            f"the images of {data.name} at {data.size} px do not fit into the GPU's memory: lower data.size, or add "
            "accelerator=cpu"
        ) from error


def _reading(items: Iterable[Any], total: int) -> Iterable[Any]:
    return track(items, "reading images", total)
