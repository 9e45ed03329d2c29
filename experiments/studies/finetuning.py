"""Compares finetuning recipes on the winner, using only validation images.

Every combination of lengths, learning rates, distillation weights and temperatures finetunes the same pruned networks,
one for each seed, `jobs` at a time. Recipes share the seeds, so they are compared by paired differences. No test image
is used, so test accuracies in a report stay unbiased if a preset uses the best recipe found here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from pathlib import Path

import numpy as np
from rich.table import Table
from scipy.stats import t as student

from experiments.compute.accelerator import accelerator
from experiments.config import Config, compression
from experiments.config.compression import CompressConfig
from experiments.config.reference import Reference
from experiments.config.stage_order import FINETUNE, QUANTIZE
from experiments.display.progress import console
from experiments.setup.images import placed
from experiments.steps.compress import folder_of_search, made_by
from experiments.steps.plan import plan_of
from experiments.steps.settings import Images
from experiments.steps.train import prepare
from experiments.store import artefacts
from experiments.store.key_fields import FILES, FOLDER, implied
from experiments.store.step import Means, Step
from experiments.store.weights import load_network
from experiments.store.winner import read_winner
from experiments.studies.ablation import staged, train_networks
from search_spaces.documents import read_csv
from search_spaces.errors import LutraError
from search_spaces.networks.evaluation import accuracy, predict

WORK = Reference("experiments.studies.finetuning:work")


@dataclass(frozen=True)
class Trained:
    """How a network was finetuned, and where."""

    number: int  # of the recipe
    seed: int
    recipe: CompressConfig
    accelerator: str


@dataclass(frozen=True)
class Settings:
    data: Images
    threads: int
    trained: Mapping[str, Trained] = implied(FILES)
    label: str = implied(FOLDER)


@dataclass(frozen=True)
class Recipe:
    """A recipe over all seeds. Accuracies are fractions of the validation images."""

    steps: int
    learning_rate: float
    distillation: float
    temperature: float
    accuracy: float
    gained: float  # over the first recipe, mean over the seeds
    low: float  # 95 % t-interval of the gain; NaN with one seed
    high: float


def finetuning(config: Config) -> Path:
    """The folder of finetuning.csv. Prints it as a table, the first recipe first."""
    stages = [stage for stage in config.compress.stages if stage != QUANTIZE]
    if FINETUNE not in stages:
        raise LutraError("compress.stages has no finetune: add it, compress.stages=[prune,finetune,quantize]")
    if config.model != "winner":
        raise LutraError(f"python -m experiments.finetuning is about a search's winner: leave model={config.model} out")
    recipes = recipes_of(config)
    for recipe in recipes:
        compression.check(recipe, config.model)
    plan, searched = plan_of(config), folder_of_search(config)
    arch = read_winner(searched).arch
    trained = {
        f"recipe {number} seed {seed}": Trained(number, seed, recipe, plan.accelerator)
        for seed in range(config.seed, config.seed + config.finetuning.seeds)
        for number, recipe in enumerate(recipes)
    }
    variants = {
        name: staged(replace(config, compress=one.recipe, seed=one.seed, run=str(searched)), stages)
        for name, one in trained.items()
    }
    train_networks([*variants.values()], config.jobs)
    inputs: dict[str, Path | str] = {name: made_by(one, arch, stages) for name, one in variants.items()}
    label = f"{config.space.name}-{config.data.label}-seed{config.seed}"
    folder = plan.folder(Step("finetuning", Settings(plan.images, config.threads, trained, label), inputs, WORK))
    columns = [field.name for field in fields(Recipe)]
    console.print(shown([row for _, row in read_csv(folder / "finetuning.csv", columns)], config.finetuning.seeds))
    return folder


def recipes_of(config: Config) -> list[CompressConfig]:
    """The configured recipe first, then every other combination."""
    tried, chosen = config.finetuning, config.compress
    own = chosen.finetune
    grid = product(
        [own.steps, *tried.steps],
        [own.learning_rate, *tried.learning_rates],
        [chosen.distillation, *tried.distillations],
        [chosen.temperature, *tried.temperatures],
    )
    made = []
    for steps, rate, weight, temperature in grid:
        recipe = replace(own, steps=steps, learning_rate=rate)
        if weight:
            made.append(replace(chosen, finetune=recipe, distillation=weight, temperature=temperature))
        else:  # with only hard labels, there is no temperature and no teacher
            made.append(replace(chosen, finetune=recipe, distillation=0.0, teacher="winner"))
    return list({repr(one): one for one in made}.values())


def work(settings: Settings, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Evaluates the networks on all validation images."""
    prepare(settings.threads, 0)
    recipes, found = dict[int, CompressConfig](), dict[tuple[int, int], float]()
    for name, one in settings.trained.items():
        data = placed(settings.data.at(means), one.accelerator)
        network = load_network(files[name]).to(accelerator(one.accelerator))
        images, labels = data.fixed(data.validation, 0, 0)
        recipes[one.number] = one.recipe
        found[one.number, one.seed] = accuracy(predict(network, images), labels)
    seeds = dict.fromkeys(seed for _, seed in found)
    table = np.array([[found[number, seed] for seed in seeds] for number in recipes])
    artefacts.write_csv(folder / "finetuning.csv", [asdict(row) for row in compared([*recipes.values()], table)])


def compared(recipes: Sequence[CompressConfig], table: np.ndarray) -> list[Recipe]:
    """The rows from accuracies [recipes, seeds]."""
    rows = []
    for recipe, accuracies in zip(recipes, table, strict=True):
        low, high = interval(accuracies - table[0])
        tuned, mean = recipe.finetune, float(accuracies.mean())
        gained = mean - float(table[0].mean())
        chosen = tuned.steps, tuned.learning_rate, recipe.distillation, recipe.temperature
        rows.append(Recipe(*chosen, mean, gained, low, high))
    return rows


def interval(differences: np.ndarray) -> tuple[float, float]:
    """The 95 % t-interval of the mean of paired differences [seeds]; NaN for a single seed."""
    count = len(differences)
    if count < 2:
        return math.nan, math.nan
    half = float(student.ppf(0.975, count - 1) * differences.std(ddof=1) / math.sqrt(count))
    return float(differences.mean()) - half, float(differences.mean()) + half


def shown(rows: Sequence[Mapping[str, str]], seeds: int) -> Table:
    table = Table(title=f"finetuning, by validation images, {seeds} seeds")
    for column in ("steps", "rate", "distillation", "temperature", "val %", "points gained", "95 %"):
        table.add_column(column, justify="right")
    for row in rows:
        mean, gained, low, high = (100 * float(row[key]) for key in ("accuracy", "gained", "low", "high"))
        chosen = [row[key] for key in ("steps", "learning_rate", "distillation", "temperature")]
        spread = "" if math.isnan(low) else f"{low:+.2f} to {high:+.2f}"
        table.add_row(*chosen, f"{mean:.2f}", f"{gained:+.2f}", spread)
    return table
