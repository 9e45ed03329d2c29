"""The recipes that a study of recipes tries: the configured one, and others that change some of its settings."""

from __future__ import annotations

from dataclasses import replace

from experiments.config import Config
from experiments.config.schema import settings
from experiments.setup.recipes import counted
from search_spaces.errors import LutraError, unknown
from search_spaces.training.recipe import NetworkRecipe

BASE, SECTION = "base", "retrain."
PARTS = (  # tried where nothing else is asked
    "alternating_flip=true",
    "reflect=true",
    "cutout=0.25",
    "mixup=0.2",
    "half_resolution=0.4",
    "bias_rate=8",
    "muon=0.02",
    "label_smoothing=0",
    "ema=0",
)


def recipes_of(config: Config) -> dict[str, NetworkRecipe]:
    """The configured recipe, then the others, by what they change; lengths in steps.

    A recipe that changes the batch, but no length, sees as many images as the configured one.

    Raises LutraError for a setting that a recipe does not have, or a value that it does not accept.
    """
    if config.retrain.all_images:
        raise LutraError("retrain.all_images=true leaves no image to judge recipes by: leave it out")
    base = counted(config).retrain
    made = {BASE: base}
    for text in config.recipes.tried or PARTS:
        changes = dict(change(word) for word in text.split())
        if "batch" in changes and "steps" not in changes and not changes.get("passes"):
            changes["steps"] = max(1, round(base.steps * base.batch / int(str(changes["batch"]))))
        recipe = counted(replace(config, retrain=replace(base, **changes))).retrain  # type: ignore[arg-type]
        made[" ".join(text.split())] = recipe
    return made


def change(word: str) -> tuple[str, object]:
    """The name and value of a setting of a recipe, from KEY=VALUE. Raises LutraError for an unknown one."""
    name, _, value = word.partition("=")
    known = {key.removeprefix(SECTION): one for key, one in settings().items() if key.startswith(SECTION)}
    del known["all_images"]
    if name not in known:
        raise unknown("setting of a recipe", name, known)
    return name, known[name].value(None if value == "null" else value)
