"""The trainings of a configuration: their lengths in steps, and whether their batches suit the number of images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from experiments.config import Config
from experiments.config.compression import FINETUNE, QAT
from experiments.config.reference import Reference
from search_spaces.errors import LutraError
from search_spaces.training.recipe import MOST_STEPS, NetworkRecipe, Recipe, in_steps

R = TypeVar("R", bound=Recipe)
DATASET = Reference("experiments.setup.images:dataset_of")
USUAL_BATCH = 256  # images; a batch of at most this size may be larger than a small data set


def recipes(config: Config) -> Iterator[tuple[str, Recipe]]:
    """Every training, by its key."""
    yield "train", config.train
    yield "retrain", config.retrain
    if FINETUNE in config.compress.stages:
        yield "compress.finetune", config.compress.finetune
    if QAT in config.compress.stages:
        yield "compress.qat", config.compress.qat


def counted(config: Config) -> Config:
    """The configuration with every length in steps; only for a recipe with `passes` are the images read.

    Raises LutraError for more steps than a training may have.
    """
    chosen = config.compress
    tuned = (
        _counted(config, "compress.finetune.passes", chosen.finetune),
        _counted(config, "compress.qat.passes", chosen.qat),
    )
    return replace(
        config,
        train=_counted(config, "train.passes", config.train),
        retrain=_counted(config, "retrain.passes", config.retrain),
        compress=replace(chosen, finetune=tuned[0], qat=tuned[1]),
    )


def shortened(config: Config, passes: float, key: str) -> Config:
    """The configuration whose `retrain` takes this many passes, which `key` gives, in steps; 0: its own length."""
    recipe = replace(config.retrain, passes=passes or config.retrain.passes)
    return replace(config, retrain=_counted(config, key, recipe))


def of_finalists(config: Config) -> Config:
    """The configuration whose `retrain` trains a search's finalists: shorter, and without the validation images."""
    judged = replace(config, retrain=replace(config.retrain, all_images=False))
    return shortened(judged, config.search.finalist_passes, "search.finalist_passes")


def _counted(config: Config, key: str, recipe: R) -> R:
    """The recipe in steps. Raises LutraError if its passes, which `key` gives, are too many."""
    unknown = config.data.name == "image_folder" and not config.data.path  # whatever reads the images asks for it
    if not recipe.passes or unknown:
        return recipe
    data = DATASET(config.data)
    splits = [data.train, data.validation] if isinstance(recipe, NetworkRecipe) and recipe.all_images else [data.train]
    images = sum(len(split.labels) for split in splits)
    made = in_steps(recipe, images)
    if made.steps > MOST_STEPS:
        raise LutraError(
            f"{key}={recipe.passes:g} over {images:,} images are {made.steps:,} steps, more than {MOST_STEPS:,}: "
            f"lower {key}"
        )
    return made


def check_batches(config: Config, images: int) -> str:
    """A line for the user if a batch is larger than the data set, else an empty one.

    Raises LutraError if it is also larger than usual batches.
    """
    larger = [f"{key}.batch={recipe.batch}" for key, recipe in recipes(config) if recipe.batch > images]
    for key, recipe in recipes(config):
        if recipe.batch > max(images, USUAL_BATCH):
            raise LutraError(
                f"{key}.batch={recipe.batch} is more than the {images:,} training images: give {key}.batch={images}, "
                f"or at most {max(images, USUAL_BATCH)}"
            )
    if not larger:
        return ""
    return f"{', '.join(larger)}: there are {images:,} training images, so a batch holds some of them more than once"
