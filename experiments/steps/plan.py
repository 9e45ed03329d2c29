"""The plan: the steps of a configuration, and which of them need which others."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from experiments.compute.gpu import computes_on
from experiments.config import Config
from experiments.config.choices import space_of
from experiments.config.reference import Reference
from experiments.config.validation import check_timed
from experiments.setup.cache import remembered
from experiments.setup.devices import results_of
from experiments.setup.given_table import checked
from experiments.setup.recipes import of_finalists
from experiments.setup.targets import objective_of
from experiments.steps.device_settings import TABLE, Device, Table, Timing
from experiments.steps.settings import Alone, Budget, Images, Search, Supernet
from experiments.store import artefacts
from experiments.store.keys import passport_key
from experiments.store.step import Means, Step
from predictors.tables.table_file import read_table
from search_spaces.space import Arch, SearchSpace

T = TypeVar("T")
TORCHRUN = "TORCHELASTIC_RUN_ID"  # set where torchrun has started this process
FINALISTS = Reference("experiments.steps.finalists:best_finalist")
CHECK_IMAGES = Reference("experiments.setup.images:check")
SHOW_CONFIG = Reference("experiments.display.events:add_config")
GIVEN_SEARCH, GIVEN_TABLE, GIVEN_SUPERNET = (
    Reference(f"experiments.steps.given_search:{name}") for name in ("given", "table", "supernet")
)
TRAINS = ("train", "retrain", "trial", "search", "finalists", "compress")  # steps that train, or read training images
SHOWS = ("train", "search", "finalists", "report")  # whose folder shows the configuration in TensorBoard


class Plan:
    """The steps of a configuration; looks up each of them at most once."""

    def __init__(self, config: Config) -> None:
        self.config, self.means = config, Means.of(config)
        self._made: dict[str, Any] = {}

    @cached_property
    def space(self) -> SearchSpace:
        return space_of(self.config)

    @cached_property
    def images(self) -> Images:
        return Images.of(self.config.data)

    @cached_property
    def accelerator(self) -> str:
        return computes_on(self.config.accelerator)

    @cached_property
    def table(self) -> Path:
        """The file of the latency table: the given one, that of the given search, or a measured one."""
        config = self.config
        if config.table is not None:
            return checked(config, self.space, Path(config.table))
        if config.run and (known := GIVEN_TABLE(config)) is not None:
            return Path(known)
        return self.table_of(self.space)

    def table_of(self, space: SearchSpace) -> Path:
        """The file of a table of any space.

        A noisy table gets more rounds if `max_rounds`, which is not in its key, allows them.
        """
        config = self.config
        measure = {key: value for key, value in asdict(config.measure).items() if key != "max_rounds"}
        step = Step(
            "measure",
            Table(space, Device.of(config.device), measure),
            {"passport": passport_key(config.device), **results_of(config.device)},
            Reference("experiments.steps.measure:work"),
            Reference("experiments.steps.device_settings:unfinished"),
        )
        return self.folder(step) / TABLE

    @cached_property
    def supernet(self) -> Path:
        """The supernet's file; that of the given search, if there is one."""
        if (config := self.config).run:
            return Path(GIVEN_SUPERNET(config))

        def step(processes: int) -> Step:
            common = (self.space, self.images, config.supernet_seed, config.threads, config.train)
            settings = Supernet(*common, self.accelerator, processes)
            return Step("train", settings, {}, Reference("experiments.steps.train:work"))

        if TORCHRUN in os.environ:
            folder = Reference("experiments.steps.train:together")(step, self.means, self._work)
        else:
            folder = self.folder(step(1))
        return folder / "supernet.safetensors"

    @cached_property
    def search(self) -> Path:
        """The folder of candidates.jsonl, winner.json, and the winner's inherited weights; or the given folder."""
        if self.config.run:
            return Path(GIVEN_SEARCH(self.config))
        self.check_search()
        passport = {"passport": passport_key(self.config.device)} if self.searching.timing else {}
        inputs: dict[str, Path | str] = {"table": self.table, "supernet": self.supernet, **passport}
        folder = self.folder(Step("search", self.searching, inputs, Reference("experiments.steps.search:work")))
        return Path(FINALISTS(self, folder, inputs)) if self.config.search.finalists else folder

    def check_search(self) -> None:
        """Raises LutraError, before anything is trained, for a target or a length that a new search cannot have."""
        if not self.config.run:
            if self.config.search.finalists:
                of_finalists(self.config)
            check_timed(self.config)
            objective_of(self.config.objective, self.config.precision, self.space, read_table(self.table))

    @cached_property
    def searching(self) -> Search:
        """The settings of the search, before its finalists are trained."""
        config, search = self.config, self.config.search
        budget = Budget(search.budget, search.calibration, search.validation)
        asked = (config.strategy, config.objective, budget, config.precision, config.seed, config.threads)
        timing = Timing.of(config) if search.timed else None
        return Search(self.space, self.images, *asked, self.accelerator, config.train.batch, timing)

    def retrained(self, arch: Arch, role: str = "") -> Path:
        """The file of a network of the space, trained from scratch with the same recipe as every other.

        `role`: what the network is, such as winner; begins the name of its folder, and so of its run in TensorBoard.
        """
        return self._retrained(self.alone(self.space, arch), role)

    def hand_made(self, model: str) -> Path:
        """The file of a hand-made network, trained from scratch with the same recipe."""
        return self._retrained(self.alone(model=model))

    def alone(self, space: SearchSpace | None = None, arch: Arch | None = None, model: str = "") -> Alone:
        """The settings for training a network of a space, or a hand-made one, by `retrain`."""
        config = self.config
        common = (self.images, config.seed, config.threads, config.retrain, self.accelerator)
        if space is not None and arch is not None:
            arch = space.canonical(space.check(arch))
        return Alone(*common, space, arch, model)

    def _retrained(self, settings: Alone, role: str = "") -> Path:
        label = f"{role}-{settings.label}" if role else ""
        step = Step("retrain", settings, {}, Reference("experiments.steps.train:alone"), label=label)
        return self.folder(step) / "network.safetensors"

    def folder(self, step: Step) -> Path:
        """The folder of a step; looked up once."""
        known = {name: str(one) for name, one in step.inputs.items()}
        key = artefacts.digest([step.name, step.settings_key, known])
        return self.once(key, lambda: step.made(self.means, partial(self._work, step)))

    def once(self, name: str, make: Callable[[], T]) -> T:
        """The result of `make`, which is called once for each name."""
        if name not in self._made:
            self._made[name] = make()
        found: T = self._made[name]
        return found

    def _work(self, step: Step, folder: Path) -> None:
        """Runs the work, which does not see the configuration, and does what needs all of it."""
        if step.name in TRAINS:
            CHECK_IMAGES(self.config)
        step.do(self.means, folder)
        if step.name in SHOWS:
            SHOW_CONFIG(folder, self.config)


def plan_of(config: Config) -> Plan:
    """The plan of a configuration; a command keeps one for each."""
    return remembered(f"plan {config!r}", lambda: Plan(config))


def measure(config: Config) -> Path:
    """The table's file."""
    return plan_of(config).table


def train(config: Config) -> Path:
    """The supernet's file."""
    return plan_of(config).supernet


def search(config: Config) -> Path:
    """The search's folder."""
    return plan_of(config).search


def retrain(config: Config, arch: Arch, role: str = "") -> Path:
    """The file of a network trained from scratch; `role` begins the name of its folder."""
    return plan_of(config).retrained(arch, role)
