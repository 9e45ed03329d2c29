"""Who learns from an image, who selects by it, who reports on it: stratified, seeded, disjoint."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from search_spaces.errors import LutraError

TEST_FRACTION = 0.2  # where a data set comes without a test split
TEST_SEED = 20  # a constant: runs of different seeds report on the same test images


def check(size: int, validation: float = 0.5, seed: int = 0) -> None:
    """Raises LutraError on a size, a validation fraction or a seed that no data set can have."""
    if size < 8:
        raise LutraError(f"images of {size} px are too small: data.size is 8 or more")
    if not 0 < validation < 1:
        raise LutraError(f"data.validation is a fraction of the training images between 0 and 1, not {validation}")
    if seed < 0:
        raise LutraError(f"data.seed is 0 or more, not {seed}")


def hold_out(
    labels: np.ndarray, fraction: float, seed: int, role: str, classes: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Indices (kept, held), each ascending: of every class `fraction` is held, at least one image, never all.

    `labels` [N] index `classes`. Raises LutraError on a class of fewer than two images.
    """
    rng = np.random.default_rng(seed)
    held = np.zeros(len(labels), dtype=bool)
    for label, name in enumerate(classes):
        members = rng.permutation(np.flatnonzero(labels == label))
        if len(members) < 2:
            raise LutraError(
                f"class {name!r} has too few images ({len(members)}) left to draw a {role} split from: "
                f"give it at least 4, or its own {role} folder"
            )
        held[members[: min(max(1, round(fraction * len(members))), len(members) - 1)]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)
