"""What each stage of compression gains: every subset of stages, timed in one session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from experiments.compute.parallel_training import Training, train_all
from experiments.config import Config, compression
from experiments.display.progress import console
from experiments.display.publish import publish
from experiments.setup import session
from experiments.setup.devices import live
from experiments.setup.session_record import read_rows, show_rows
from experiments.setup.session_step import Settings, Timed, timing
from experiments.steps.compress import arch_of, chain, made_by, root_of, training_runs
from experiments.steps.plan import plan_of
from experiments.store import artefacts
from experiments.store.step import Means
from search_spaces.errors import LutraError

SUBSETS: dict[str, list[str]] = {
    "nothing": [],
    "prune": ["prune"],
    "finetune": ["finetune"],
    "quantize": ["quantize"],
    "prune, finetune": ["prune", "finetune"],
    "prune, quantize": ["prune", "quantize"],
    "finetune, quantize": ["finetune", "quantize"],
    "prune, finetune, quantize": ["prune", "finetune", "quantize"],
    "qat, quantize": ["qat", "quantize"],
    "prune, finetune, qat, quantize": ["prune", "finetune", "qat", "quantize"],
}
WHOLE = SUBSETS["prune, finetune, quantize"]
LABELS_ALONE = "prune, finetune by labels, quantize"
TAUGHT, WEIGHT = "prune, finetune by a teacher, quantize", 0.5  # default weight of the soft labels


def ablation(config: Config) -> Path:
    """The folder of ablation.csv. Prints it as a table."""
    variants = {name: staged(config, stages) for name, stages in SUBSETS.items()}
    chosen = config.compress
    alone = replace(config, compress=replace(chosen, distillation=0.0, teacher="winner"))
    taught = replace(config, compress=replace(chosen, distillation=chosen.distillation or WEIGHT))
    variants |= {LABELS_ALONE: staged(alone, WHOLE), TAUGHT: staged(taught, WHOLE)}
    return side_by_side(config, "ablation", variants)


def staged(config: Config, stages: list[str]) -> Config:
    return replace(config, compress=replace(config.compress, stages=stages))


def side_by_side(config: Config, step: str, variants: Mapping[str, Config]) -> Path:
    """The folder of STEP.csv: the final file of each configuration, all timed in one session.

    Raises LutraError if the configuration is not about a search's winner.
    """
    live(config.device)
    if config.model != "winner":
        raise LutraError(f"python -m experiments.{step} is about a search's winner: leave model={config.model} out")
    for variant in variants.values():
        compression.check(variant.compress, variant.model)
    train_networks([*variants.values()], config.jobs)
    ends = {name: chain(variant) for name, variant in variants.items()}
    plan = plan_of(config)
    tables = {"table": plan.table} | {
        f"table of {name}": one.table for name, made in ends.items() for one in made if one.table is not None
    }
    timed = {name: Timed(name, made[-1], sum(one.seconds for one in made)) for name, made in ends.items()}
    folder = plan.folder(timing(config, step, timed, tables, "experiments.studies.ablation:work"))
    if config.publish:
        publish(config, folder, (f"{step}.csv",), f"{step}_setup.csv", 0)
    console.print(show_rows(read_rows(folder)[0], step))
    return folder


def train_networks(variants: Sequence[Config], jobs: int) -> None:
    """Does all stages that train, `jobs` at a time, and what they need in turn; what variants have in common, once."""
    models = {(one.model, one.seed): one for one in variants}
    train_all([partial(root_of, one, arch_of(one)) for one in models.values()], jobs)
    runs = [(one, training_runs(one, one.compress.stages)) for one in variants]
    for number in range(max(len(places) for _, places in runs)):
        trainings: dict[str, Training] = {}
        for one, places in runs:
            for start, end in places[number : number + 1]:
                stages = one.compress.stages
                made_by(one, arch_of(one), stages[:start])
                same = repr((one.model, one.seed, replace(one.compress, stages=stages[:end])))
                trainings[same] = partial(made_by, one, arch_of(one), stages[:end])
        train_all([*trainings.values()], jobs)


def work(settings: Settings, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Times the files, and writes their rows to a CSV file with the step's name."""
    session.work(settings, files, means, folder)
    artefacts.write_csv(folder / f"{folder.parent.name}.csv", [asdict(row) for row in read_rows(folder)[0]])
