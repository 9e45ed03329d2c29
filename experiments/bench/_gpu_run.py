"""What the parts of the benchmark `gpu` share: where they compute, for how long, and on which images."""

from __future__ import annotations

import copy
import json
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import nn

from experiments.bench._published import published
from experiments.compute.resumable_training import run_steps
from experiments.config import DataConfig
from experiments.data.augmentation import halved
from experiments.data.dataset import Dataset
from experiments.setup.images import dataset_of
from experiments.store import artefacts, journal
from search_spaces.documents import read_json
from search_spaces.training.loop import Backward, Training, fit
from search_spaces.training.recipe import Recipe

IMAGES = "cifar10_jpeg.tar.gz"  # in $LUTRA_DATA
PIXELS = 32
KEPT = 20.0  # seconds between checkpoints
WARM, TIMED = 3, 8  # steps before, and steps of, an estimate of a training's speed
Rule = Callable[[nn.Module], Backward]


@dataclass(frozen=True)
class Run:
    """A part that computes on `device` for at most `seconds`, and continues in `folder` after an interruption.

    `smoke`: everything as small as possible, which only shows that it runs.
    """

    device: torch.device
    seconds: float
    folder: Path
    smoke: bool
    settings: Mapping[str, str]
    begun: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds."""
        return self.seconds - (time.monotonic() - self.begun)

    @cached_property
    def images(self) -> Dataset:
        """CIFAR-10 on the device; in a smoke run without it, digits."""
        if self.smoke and not self.settings["images"]:
            return dataset_of(DataConfig("digits", size=16)).to(self.device)
        path = published(self.settings["images"], IMAGES, "images=FILE, a .tar.gz of CIFAR-10 in class folders")
        cache = str(self.folder.parent / "images")
        return dataset_of(DataConfig("image_folder", str(path), PIXELS, 0.1, cache=cache)).to(self.device)

    @property
    def facts(self) -> dict[str, str]:
        """The machine, for every row."""
        name = torch.cuda.get_device_name() if self.device.type == "cuda" else platform.machine()
        return {"device": name, "torch": torch.__version__}

    def journaled(self, name: str, works: Mapping[str, Callable[[], dict[str, Any]]]) -> Iterator[dict[str, Any]]:
        """The results of named works; those of an interrupted run are not computed again."""
        log = self.folder / f"{name}.jsonl"
        log.parent.mkdir(parents=True, exist_ok=True)
        known = {record["name"]: record for record in journal.read(log)}
        for key, work in works.items():
            if key not in known:
                known[key] = {"name": key, **work()}
                journal.append(log, known[key])
            yield {one: value for one, value in known[key].items() if one != "name"}

    def steps(self, name: str, compute: Callable[[], int]) -> int:
        """The number of steps of a training, which an interrupted run keeps."""
        path = self.folder / f"{name}.json"
        if not path.exists():
            steps = max(1, compute())
            artefacts.write(path, json.dumps({"steps": min(steps, 3) if self.smoke else steps}) + "\n")
        return int(read_json(path)["steps"])

    def trained(self, name: str, model: nn.Module, data: Dataset, recipe: Recipe, rule: Rule) -> Training:
        """Trains in place, from the last checkpoint."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return run_steps(model, data, recipe, 0, rule(model), folder, f"training {name}", KEPT)


def seconds_of_step(model: nn.Module, data: Dataset, recipe: Recipe, rule: Rule) -> float:
    """The seconds of a training step with its batch, on a copy of the model."""
    own = copy.deepcopy(model)

    def batches(step: int) -> Any:
        images, labels = data.batch(step, recipe.batch, 0, recipe)
        return (halved(images) if recipe.halves(step) else images), labels

    steps = fit(Training(own, recipe), batches, rule(own))
    for _ in range(WARM):
        next(steps)  # reads the loss, so it has waited for the device
    start = time.perf_counter()
    for _ in range(TIMED):
        next(steps)
    return (time.perf_counter() - start) / TIMED
