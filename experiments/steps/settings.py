"""The settings of each step: they are part of its key, and all that its work sees of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from experiments.config import DataConfig, ObjectiveConfig, StrategyConfig, TrainConfig
from experiments.config.image_names import OWN, Names, names
from experiments.data import DECODER
from experiments.data.image_hashes import contents
from experiments.steps.device_settings import Timing
from experiments.store.key_fields import FOLDER, implied, unless
from experiments.store.step import Means
from search_spaces.space import Arch, SearchSpace
from search_spaces.training.recipe import NetworkRecipe


@dataclass(frozen=True)
class Images:
    """A data set. A user's own images are identified by names, classes, splits and contents, not by their location."""

    name: str
    size: int
    validation: float
    seed: int
    flip: bool
    files: str = unless("")
    decoder: int = unless(0)
    group: str = unless("")
    balanced: bool = unless(False)
    title: str | None = implied(FOLDER)
    file: str | None = implied(FOLDER)  # the name of the user's folder or archive

    @property
    def names(self) -> Names:
        """What it is called by people, and in the names of folders."""
        return names(self.name, self.file or "", self.title or "")

    @property
    def label(self) -> str:
        """Its name in the names of folders."""
        return self.names.label

    @staticmethod
    def of(data: DataConfig) -> Images:
        common = (data.name, data.size, data.validation, data.seed, data.flip)
        images = Images(*common, group=data.group, balanced=data.balanced, title=data.title, file=data.names.file)
        if data.name != OWN:
            return images
        return replace(images, files=_files(data.path, data.cache), decoder=DECODER)

    def at(self, means: Means) -> DataConfig:
        common = (self.name, means.images, self.size, self.validation, self.seed, self.flip)
        return DataConfig(*common, group=self.group, balanced=self.balanced, title=self.title or "", cache=means.cache)


@cache
def _files(path: str, cache: str) -> str:
    """A hash of the images, which are read once per process."""
    return contents(path, cache).key


@dataclass(frozen=True)
class Supernet:
    """The settings of `train`, which trains the supernet."""

    space: SearchSpace
    data: Images
    seed: int
    threads: int
    train: TrainConfig
    accelerator: str = unless("cpu")
    processes: int = unless(1)  # processes that share a batch; their number changes how sums are rounded

    @property
    def label(self) -> str:
        return f"{self.space.name}-{self.data.label}-seed{self.seed}"


@dataclass(frozen=True)
class Alone:
    """The settings of `retrain`: a network trained from scratch, from the space or hand-made."""

    data: Images
    seed: int
    threads: int
    retrain: NetworkRecipe
    accelerator: str = unless("cpu")
    space: SearchSpace | None = unless(None)
    arch: Arch | None = unless(None)
    model: str = unless("")

    @property
    def label(self) -> str:
        return f"{self.model if self.space is None else self.space.name}-{self.data.label}-seed{self.seed}"


@dataclass(frozen=True)
class Budget:
    """How many candidates a search evaluates, on how many images.

    Of the step `finalists` also how many it chooses from, and for how long they were trained.
    """

    budget: int
    calibration: int
    validation: int
    finalists: int = unless(0)
    finalist_passes: float = unless(0.0)


@dataclass(frozen=True)
class Search:
    """The settings of `search`, and of `finalists`."""

    space: SearchSpace
    data: Images
    strategy: StrategyConfig
    objective: ObjectiveConfig
    search: Budget
    precision: str
    seed: int
    threads: int
    accelerator: str = unless("cpu")
    batch: int | None = implied("supernet")  # in the supernet's training, and in a relaxation
    timing: Timing | None = unless(None)  # None: candidates are not timed

    @property
    def label(self) -> str:
        parts = (self.space.name, self.data.label, self.strategy.name, self.objective.name, f"seed{self.seed}")
        return "-".join(parts)

    @staticmethod
    def read(key: Mapping[str, Any], space: SearchSpace, data: Images) -> Search:
        """The settings of a finished search, read from its manifest."""
        own = StrategyConfig(**key["strategy"]), ObjectiveConfig(**key["objective"]), Budget(**key["search"])
        common = (key["precision"], key["seed"], key["threads"], key.get("accelerator", "cpu"))
        return Search(space, data, *own, *common)
