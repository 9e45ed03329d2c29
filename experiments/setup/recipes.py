"""The trainings of a configuration, and whether their batches suit the number of images."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.config import Config
from experiments.config.compression import FINETUNE, QAT
from search_spaces.errors import LutraError
from search_spaces.training.recipe import Recipe

USUAL_BATCH = 256  # images: up to this size a batch may be larger than a small data set


def recipes(config: Config) -> Iterator[tuple[str, Recipe]]:
    """Every training, by its key."""
    yield "train", config.train
    yield "retrain", config.retrain
    if FINETUNE in config.compress.stages:
        yield "compress.finetune", config.compress.finetune
    if QAT in config.compress.stages:
        yield "compress.qat", config.compress.qat


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
