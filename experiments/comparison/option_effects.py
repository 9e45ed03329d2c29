"""How much each option adds to the accuracy: read from a file, or fitted to the candidates of a finished search."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.config.reference import Reference
from search_spaces.errors import LutraError
from search_spaces.published import number, picks, records
from search_spaces.space import Arch, SearchSpace

COLUMNS = ("layer", "option", "accuracy")
FOLDS = 5
# Loading their libraries takes longer than most fronts, which are of published networks and need no fit
RIDGE, TAU = Reference("predictors.models.learned:ridge"), Reference("scipy.stats:kendalltau")


@dataclass(frozen=True)
class Fit:
    """How well the sum of effects predicts the accuracy of held-out candidates."""

    candidates: int  # distinct
    untried: int  # options that no candidate has, which count as average ones
    tau: float  # Kendall's tau-b; 0 for a constant prediction
    error: float  # mean absolute, fraction of the images


def read_effects(path: Path, space: SearchSpace) -> np.ndarray:
    """[layers, options], NaN where a layer has fewer. Raises LutraError unless each option of the space has one row."""
    effects = np.full((len(space.layers), max(space.options)), np.nan)
    for where, record in records(path, COLUMNS):
        layer, option = (number(where, column, record[column]) for column in COLUMNS[:2])
        if layer not in range(len(space.layers)) or option not in range(space.options[int(layer)]):
            raise LutraError(f"{where}: {space.name} has no option {option:g} in layer {layer:g}; drop the row")
        at = int(layer), int(option)
        if not np.isnan(effects[at]):
            raise LutraError(f"{where}: layer {at[0]}, option {at[1]} is repeated; keep one row for each")
        effects[at] = number(where, COLUMNS[2], record[COLUMNS[2]])
    for layer, count in enumerate(space.options):
        for missing in np.flatnonzero(np.isnan(effects[layer, :count])):
            raise LutraError(f"{path} has no row for layer {layer}, option {missing} of {space.name}; add one")
    return effects


def effect_rows(effects: np.ndarray) -> list[dict[str, Any]]:
    """The rows of effects.csv, which `read_effects` reads."""
    return [
        dict(zip(COLUMNS, (layer, option, value)))
        for layer, row in enumerate(effects.tolist())
        for option, value in enumerate(row)
        if not np.isnan(value)
    ]


def read_candidates(path: Path, space: SearchSpace) -> tuple[np.ndarray, np.ndarray]:
    """Distinct networks [n, layers] and their accuracies [n]. Raises LutraError for a network of another space."""
    found = accuracies_of(path, space)
    if len(found) < 2 * FOLDS:
        raise LutraError(
            f"{path} has {len(found)} distinct candidates, but fitting effects needs at least {2 * FOLDS}: search with "
            "a larger search.budget"
        )
    return np.array(list(found)), np.array(list(found.values()))


def accuracies_of(path: Path, space: SearchSpace) -> dict[Arch, float]:
    """The accuracy of each candidate. Raises LutraError for a candidate of another space."""
    found: dict[Arch, float] = {}
    for where, record in records(path, ("arch", "accuracy")):
        arch = picks(where, "arch", record["arch"], 0)
        try:
            network = space.canonical(space.check(arch))
        except LutraError as error:
            raise LutraError(f"{where}: {error}; give the space=NAME of this file") from None
        found[network] = number(where, "accuracy", record["accuracy"])
    return found


def fitted(archs: np.ndarray, accuracies: np.ndarray, space: SearchSpace) -> tuple[np.ndarray, Fit]:
    """Effects by ridge regression on one-hot options, and their error by cross-validation.

    The regression's constant is part of every effect of the first layer.
    """
    predict = RIDGE(archs, accuracies, space.options)
    nothing = np.zeros((1, len(space.options)), int)
    constant = predict(nothing).item()
    effects = np.full((len(space.options), max(space.options)), np.nan)
    for layer, count in enumerate(space.options):
        changed = nothing.repeat(count, axis=0)
        changed[:, layer] = np.arange(count)
        effects[layer, :count] = predict(changed) - (constant if layer else 0)
    untried = sum(count - len(np.unique(column)) for count, column in zip(space.options, archs.T))
    guessed = held_out(archs, accuracies, space)
    tau = TAU(guessed, accuracies).statistic
    return effects, Fit(len(archs), untried, float(np.nan_to_num(tau)), float(np.abs(guessed - accuracies).mean()))


def held_out(archs: np.ndarray, accuracies: np.ndarray, space: SearchSpace) -> np.ndarray:
    """Cross-validated predictions [n]."""
    fold = np.random.default_rng(0).permutation(len(archs)) % FOLDS
    guessed = np.empty(len(archs))
    for left in range(FOLDS):
        known = fold != left
        guessed[~known] = RIDGE(archs[known], accuracies[known], space.options)(archs[~known])
    return guessed
