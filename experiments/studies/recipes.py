"""What each part of a training recipe gains, by validation images alone, and what it costs.

One network, the space's reference or a hand-made one, is trained by the configured recipe (`retrain`) and by
others that change some of its settings, with the same seeds, so that recipes are compared by their differences. No test
image is used, so test accuracies stay unbiased if a preset adopts the best recipe.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from rich.table import Table

from experiments.comparison import setup
from experiments.comparison.recipe_variants import BASE, recipes_of
from experiments.config import Config
from experiments.config.command_config import REFERENCE
from experiments.config.reference import Reference
from experiments.display import events
from experiments.display.progress import console
from experiments.setup.images import dataset_of, placed
from experiments.steps.plan import plan_of
from experiments.steps.settings import Alone, Images
from experiments.steps.train import trained, validate
from experiments.store import artefacts
from experiments.store.json_records import typed
from experiments.store.key_fields import FILES, FOLDER, implied
from experiments.store.step import Means, Step
from experiments.studies.finetuning import interval
from paper.figures import recipes as figure
from paper.recipe_rows import TriedRecipe
from paper.recipes import SETUP
from paper.rows import FILES as CSV
from paper.rows import read
from search_spaces.documents import read_json
from search_spaces.training.recipe import NetworkRecipe

WORK, TRIAL = Reference("experiments.studies.recipes:work"), Reference("experiments.studies.recipes:trial")
RECORD = "trial.json"


@dataclass(frozen=True)
class Trial:
    """The accuracy and the CPU time of one training."""

    accuracy: float  # fraction of all validation images
    cpu_seconds: float  # of the training steps, over all threads


@dataclass(frozen=True)
class Tried:
    """A recipe and a seed."""

    name: str
    seed: int
    recipe: NetworkRecipe


@dataclass(frozen=True)
class Settings:
    data: Images
    network: str  # as it is called in the setup file
    space: str  # empty: the network is of none
    threads: int
    tried: Mapping[str, Tried] = implied(FILES)
    label: str = implied(FOLDER)


def recipes(config: Config) -> Path:
    """The folder of recipes.csv. Prints it as a table, the configured recipe first."""
    plan = plan_of(config)
    tried = {
        f"{name} seed {seed}": Tried(name, seed, recipe)
        for seed in range(config.seed, config.seed + config.recipes.seeds)
        for name, recipe in recipes_of(config).items()
    }
    inputs: dict[str, Path | str] = {
        name: _trained(replace(config, seed=one.seed, retrain=one.recipe)) for name, one in tried.items()
    }  # in turn: trainings at the same time would raise each other's processor seconds
    network, space = config.recipes.network, ""
    if network == REFERENCE:
        network, space = f"the reference of {config.space.name}", config.space.name
    label = f"{space or network}-{config.data.label}-seed{config.seed}"
    settings = Settings(plan.images, network, space, config.threads, tried, label)
    folder = plan.folder(Step("recipes", settings, inputs, WORK))
    if config.publish:
        setup.publish(folder, Path(config.results), [CSV[TriedRecipe]], SETUP, {"data_file": config.data.names.file})
    console.print(shown(read(folder, TriedRecipe)))
    return folder


def _trained(config: Config) -> Path:
    """The record of the network trained by `retrain`."""
    plan, model = plan_of(config), config.recipes.network
    made = plan.alone(plan.space, plan.space.reference) if model == REFERENCE else plan.alone(model=model)
    return plan.folder(Step("trial", made, {}, TRIAL)) / RECORD


def trial(settings: Alone, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Trains the network and judges it by all validation images."""
    network, training = trained(settings, means, folder)
    found = Trial(validate(network, placed(settings.data.at(means), settings.accelerator)), training.cpu_seconds)
    artefacts.write(folder / RECORD, json.dumps(asdict(found), indent=1) + "\n")


def work(settings: Settings, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Compares the recipes over the seeds."""
    found = {name: typed(Trial, read_json(files[name]), files[name]) for name in settings.tried}
    recipes = {one.name: one.recipe for one in settings.tried.values()}
    seeds = dict.fromkeys(one.seed for one in settings.tried.values())
    table = {name: [found[f"{name} seed {seed}"] for seed in seeds] for name in recipes}
    data = dataset_of(settings.data.at(means))
    rows = compared(recipes, table, len(data.train.labels))
    artefacts.write_csv(folder / CSV[TriedRecipe], [asdict(row) for row in rows])
    facts = {
        "data": data.name,
        "data_file": settings.data.at(means).names.file,
        "resolution": data.shape.resolution,
        "space": settings.space,
        "network": settings.network,
        "train_images": len(data.train.labels),
        "validation_images": len(data.validation.labels),
        "batch": recipes[BASE].batch,
        "first_seed": min(seeds),
        "seeds": len(seeds),
        "training_threads": settings.threads,
    }
    setup.write_facts(folder / SETUP, facts)
    with events.writer(folder) as board:
        events.show_figure(board, folder, "recipes", figure.draw(folder))


def compared(
    recipes: Mapping[str, NetworkRecipe], table: Mapping[str, Sequence[Trial]], images: int
) -> list[TriedRecipe]:
    """A row for each recipe, from its trials with every seed. `images`: number of training images."""
    base = np.array([one.accuracy for one in table[BASE]])
    rows = []
    for name, recipe in recipes.items():
        accuracies = np.array([one.accuracy for one in table[name]])
        minutes = float(np.mean([one.cpu_seconds for one in table[name]])) / 60
        gained = float((accuracies - base).mean())
        low, high = (None if math.isnan(end) else end for end in interval(accuracies - base))
        passes = recipe.steps * recipe.batch / images
        common = (name, recipe.steps, passes, len(base), float(accuracies.mean()))
        rows.append(TriedRecipe(*common, gained, low, high, minutes, gained / minutes))
    return rows


def shown(rows: Sequence[TriedRecipe]) -> Table:
    table = Table(title=f"recipes, by validation images, {rows[0].seeds} seeds")
    columns = ("recipe", "steps", "passes", "val %", "points gained", "95 %", "CPU minutes", "points per minute")
    for column in columns:
        table.add_column(column, justify="left" if column == "recipe" else "right")
    for row in rows:
        known = row.gained_low is not None and row.gained_high is not None
        spread = f"{100 * row.gained_low:+.2f} to {100 * row.gained_high:+.2f}" if known else ""  # type: ignore[operator]
        points, each = f"{100 * row.gained:+.2f}", f"{100 * row.gained_per_minute:+.3f}"
        numbers = (f"{row.steps:,}", f"{row.passes:.3g}", f"{100 * row.accuracy:.2f}", points, spread)
        table.add_row(row.recipe, *numbers, f"{row.cpu_minutes:.3g}", each)
    return table
