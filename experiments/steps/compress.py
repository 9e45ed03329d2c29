"""Runs the stages of compression that the configuration lists, on the winner or on a hand-made network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from experiments.config import Config
from experiments.config.reference import Reference
from experiments.config.stage_order import CLUSTER, FINETUNE, LOWRANK, PRUNE, QAT, QUANTIZE, SPARSIFY
from experiments.stages import NETWORK, STAGES, int8_record
from experiments.stages.settings import OWN, Finetune, Quantize, float_layers
from experiments.stages.settings import Stage as Settings
from experiments.steps.plan import plan_of, retrain, search
from experiments.store import artefacts
from experiments.store.step import Step
from experiments.store.winner import read_winner
from predictors.agent.runtimes import SUFFIXES
from search_spaces.space import Arch

WORK = Reference("experiments.stages.task:work")


@dataclass(frozen=True)
class Made:
    """The result of a stage: a network's file, or the file that is deployed."""

    name: str  # of the resulting network
    path: Path
    parent: Path | None = None  # the file that it was made from
    table: Path | None = None  # the latency table with which it was chosen
    steps: int = 0  # of training so far, from random weights
    all_images: bool = False  # whether it was trained on validation images too

    @property
    def deployed(self) -> bool:
        """Whether it is the file that is deployed, not a network."""
        return self.path.suffix in SUFFIXES

    @property
    def precision(self) -> str:
        return int8_record.load(self.path.parent).precision if self.deployed else "fp32"

    @property
    def row(self) -> str:
        """Its name in tables."""
        return self.precision if self.deployed else self.name

    @property
    def seconds(self) -> float:
        """The seconds that its step took."""
        return float(artefacts.manifest(self.path.parent)["seconds"])


def compress(config: Config) -> Path:
    """The folder of the last stage."""
    return chain(config)[-1].path.parent


def chain(config: Config) -> list[Made]:
    """The network trained from scratch, then the result of each stage."""
    return plan_of(config).once("chain", lambda: _chain(config))


def _chain(config: Config) -> list[Made]:
    return list(chain_of(config, root_of(config, arch_of(config)), config.compress.stages))


def unpruned_chain(config: Config, root: Path) -> list[Made]:
    """A network to compare with the deployed file: trained for as many steps, quantized the same way, not pruned."""
    return list(chain_of(config, root, unpruned_stages(config), "compared-"))


def unpruned_stages(config: Config) -> list[str]:
    trained = {SPARSIFY: FINETUNE, CLUSTER: FINETUNE}  # as many steps, but without zeros or shared values
    stages = [trained.get(name, name) for name in config.compress.stages if name not in (PRUNE, LOWRANK)]
    return [*(name for name in stages if name != QUANTIZE), QUANTIZE]


def arch_of(config: Config) -> Arch | None:
    """The architecture of the network to compress: the search's winner. None for a hand-made network."""
    return read_winner(folder_of_search(config)).arch if config.model == "winner" else None


def root_of(config: Config, arch: Arch | None, role: str = "winner") -> Path:
    """The file of an architecture, or else of the hand-made network to compress, trained from scratch."""
    return plan_of(config).hand_made(config.model) if arch is None else retrain(config, arch, role)


def made_by(config: Config, arch: Arch | None, stages: Sequence[str], role: str = "winner") -> Path:
    """The file of the same network after these stages."""
    return list(chain_of(config, root_of(config, arch, role), stages))[-1].path


def training_runs(config: Config, stages: Sequence[str]) -> list[tuple[int, int]]:
    """Slices (start, end) of consecutive stages that only train, which several networks can do at the same time."""
    timing = {PRUNE, LOWRANK, QUANTIZE} | ({QAT} if float_layers(config) in ("time", "both") else set())
    places = groupby(range(len(stages)), lambda place: stages[place] in timing)
    runs = [list(run) for times, run in places if not times]
    return [(run[0], run[-1] + 1) for run in runs]


def chain_of(config: Config, root: Path, stages: Sequence[str], prefix: str = "") -> Iterator[Made]:
    """The network trained from scratch, then the result of each stage.

    `prefix` is put before the name of the last folder, that of the ONNX file.
    """
    parent = Made("retrained", root, steps=config.retrain.steps, all_images=config.retrain.all_images)
    yield parent
    taken = {parent.name: 1}
    for name in stages:
        made = STAGES[name].made
        taken[made] = taken.get(made, 0) + 1
        label = made if taken[made] == 1 else f"{made} {taken[made]}"
        parent = _stage(config, name, label, root, parent, prefix)
        yield parent


def folder_of_search(config: Config) -> Path:
    """The search's folder: the one that run= gives, after verifying it, or that of this configuration."""
    return search(config)


def settings_of(config: Config, name: str, root: Path | None = None) -> Settings:
    """The settings of a stage. `root`: the network trained from scratch, before pruning."""
    plan = plan_of(config)
    common = {"stage": name, "data": plan.images, "seed": config.seed, "threads": config.threads}
    if not STAGES[name].last:  # the deployed file is always made on the CPU
        common["accelerator"] = plan.accelerator
    settings = OWN[name](config, common)
    if isinstance(settings, Finetune):
        return replace(settings, space=plan.space if config.model == "winner" else None)
    arch = artefacts.manifest(root.parent)["config"].get("arch") if root is not None else None
    if isinstance(settings, Quantize) and arch is not None:
        return replace(settings, whole=plan.space.decode(tuple(arch)))
    return settings


def _stage(config: Config, name: str, label: str, root: Path, made: Made, prefix: str) -> Made:
    stage, parent, plan = STAGES[name], made.path, plan_of(config)
    needs = stage.needs(plan, root, parent)
    whose = config.space.name if config.model == "winner" else config.model
    title = f"{prefix if stage.last else ''}{name}-{whose}-{config.data.label}-seed{config.seed}"
    settings = settings_of(config, name, root)
    folder = plan.folder(Step("compress", settings, {"parent": parent} | needs, WORK, label=title))
    outputs = artefacts.manifest(folder)["outputs"]
    path = folder / (next(name for name in outputs if name.endswith(SUFFIXES)) if stage.last else NETWORK)
    recipe = stage.recipe(config)
    steps, every = (0, False) if recipe is None else (recipe.steps, recipe.all_images)
    return Made(label, path, parent, needs.get("table"), made.steps + steps, made.all_images or every)
