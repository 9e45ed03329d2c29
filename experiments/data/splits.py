"""Splits images for training, selection and reporting: stratified, seeded, disjoint."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search_spaces.errors import LutraError, listed

TEST_FRACTION = 0.2  # for data sets without a test split
TEST_SEED = 20  # constant, so that runs of different seeds report on the same test images


def check(size: int, validation: float = 0.5, seed: int = 0) -> None:
    """Raises LutraError for an invalid size, validation fraction or seed."""
    if size < 8:
        raise LutraError(f"images of {size} px are too small: data.size must be at least 8")
    if not 0 < validation < 1:
        raise LutraError(f"data.validation must be a fraction of the training images between 0 and 1, not {validation}")
    if seed < 0:
        raise LutraError(f"data.seed must be at least 0, not {seed}")


def hold_out(
    labels: np.ndarray, fraction: float, seed: int, role: str, classes: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Indices (kept, held), each ascending: holds out `fraction` of every class, at least one image, never all.

    `labels` [N] index `classes`. Raises LutraError for a class of fewer than two images.
    """
    counts = np.bincount(labels, minlength=len(classes)).tolist()
    if few := [f"{name!r} ({count})" for name, count in zip(classes, counts) if count < 2]:
        where = f"class {few[0]}" if len(few) == 1 else f"classes {listed(few)}"
        raise LutraError(
            f"too few images are left to draw a {role} split from in {where}: give each class at least 4 images, or a "
            f"{role} folder"
        )
    rng = np.random.default_rng(seed)
    held = np.zeros(len(labels), dtype=bool)
    for label in range(len(classes)):
        members = rng.permutation(np.flatnonzero(labels == label))
        held[members[: min(max(1, round(fraction * len(members))), len(members) - 1)]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)
