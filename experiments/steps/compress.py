"""The winner, or a hand-made network, through the stages that the config lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.config import Config
from experiments.config.reference import Reference
from experiments.config.stage_order import CLUSTER, FINETUNE, LOWRANK, PRUNE, QUANTIZE, SPARSIFY
from experiments.stages import NETWORK, STAGES
from experiments.stages.settings import OWN, Finetune, Quantize
from experiments.stages.settings import Stage as Settings
from experiments.steps.plan import plan_of, retrain, retrain_foreign, search
from experiments.store import artefacts
from experiments.store.step import Step
from experiments.store.winner import read_winner
from predictors.agent.runtimes import SUFFIXES

WORK = Reference("experiments.stages.task:work")
GIVEN = Reference("experiments.steps.given_search:given")


@dataclass(frozen=True)
class Made:
    """What a stage has made: a network's file, or the ONNX file that is deployed."""

    name: str  # of the network now
    path: Path
    parent: Path | None = None  # the file that it was made from
    table: Path | None = None  # of the latencies that it was chosen by
    steps: int = 0  # of training until now, from random weights on

    @property
    def seconds(self) -> float:
        """The time that its step took."""
        return float(artefacts.manifest(self.path.parent)["seconds"])


def compress(config: Config) -> Path:
    """The folder of the last stage."""
    return chain(config)[-1].path.parent


def chain(config: Config) -> list[Made]:
    """The network that is trained from scratch, then what each stage has made of the one before."""
    return plan_of(config).once("chain", lambda: _chain(config))


def _chain(config: Config) -> list[Made]:
    root = (
        retrain(config, read_winner(found_by(config)).arch)
        if config.model == "winner"
        else retrain_foreign(config, config.model)
    )
    return list(through(config, root, config.compress.stages))


def alike(config: Config, root: Path) -> list[Made]:
    """A network that the deployed file is compared with: trained for as many steps, quantized alike, nothing cut."""
    trained = {SPARSIFY: FINETUNE, CLUSTER: FINETUNE}  # as long as those, without zeros and shared values
    stages = [trained.get(name, name) for name in config.compress.stages if name not in (PRUNE, LOWRANK)]
    return list(through(config, root, [*(name for name in stages if name != QUANTIZE), QUANTIZE], "compared-"))


def through(config: Config, root: Path, stages: Sequence[str], prefix: str = "") -> Iterator[Made]:
    """A network that was trained from scratch, then what each stage makes of the one before.

    `prefix` is put before the name of the last folder, that of the ONNX file.
    """
    parent = Made("retrained", root, steps=config.retrain.steps)
    yield parent
    taken = {parent.name: 1}
    for name in stages:
        made = STAGES[name].made
        taken[made] = taken.get(made, 0) + 1
        label = made if taken[made] == 1 else f"{made} {taken[made]}"
        parent = _stage(config, name, label, root, parent, prefix)
        yield parent


def found_by(config: Config) -> Path:
    """The search's folder: that of the configuration, or the given one after verifying it."""
    return plan_of(config).once("given", lambda: GIVEN(config)) if config.run else search(config)


def settings_of(config: Config, name: str, root: Path | None = None) -> Settings:
    """Of a stage. `root`: the network that was trained from scratch, before anything was cut from it."""
    plan = plan_of(config)
    common = {"stage": name, "data": plan.images, "seed": config.seed, "threads": config.threads}
    if not STAGES[name].last:  # the file that is deployed is made by the CPU
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
    title = f"{prefix if stage.last else ''}{name}-{whose}-{config.data.name}-seed{config.seed}"
    settings = settings_of(config, name, root)
    folder = plan.folder(Step("compress", settings, {"parent": parent} | needs, WORK, label=title))
    outputs = artefacts.manifest(folder)["outputs"]
    path = folder / (next(name for name in outputs if name.endswith(SUFFIXES)) if stage.last else NETWORK)
    return Made(label, path, parent, needs.get("table"), made.steps + stage.steps(config))
