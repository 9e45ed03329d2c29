"""Groups of images that show one thing, by a pattern in their names; all images of a group are in one split."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from experiments.data.class_folders import composed
from search_spaces.errors import LutraError, listed


def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern. Raises LutraError if it is not a regular expression."""
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise LutraError(
            f"data.group={pattern} is not a regular expression: {error}; as in data.group='(\\d+)_'"
        ) from None


def groups_of(pattern: str, names: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """The group of every image, int64 [N]. `names`: paths of the images; `classes`: the class of each.

    The pattern is searched for below the class folder, and what its parentheses match names the group, in all classes
    alike. An image without a match is a group of its own. Raises LutraError if there is no match at all.
    """
    wanted, numbers, matches = compiled(pattern), dict[tuple[str, ...], int](), 0
    found = np.empty(len(names), np.int64)
    for row, (name, label) in enumerate(zip(names, classes)):
        parts = name.split("/")
        match = wanted.search("/".join(parts[[*map(composed, parts)].index(label) + 1 :]))
        matches += match is not None
        key = (name,) if match is None else ("", *(one or "" for one in match.groups() or (match[0],)))
        found[row] = numbers.setdefault(key, len(numbers))
    if not matches:
        raise LutraError(f"data.group={pattern} matches no image, for example not {names[0]}: change the pattern")
    return found


def hold_out_groups(
    labels: np.ndarray, groups: np.ndarray, fraction: float, seed: int, role: str, classes: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Indices (kept, held), each ascending: holds out about `fraction` of every class in whole groups.

    Raises LutraError for a class of which no group can be held out without taking all images of a class.
    """
    rng, held, few = np.random.default_rng(seed), np.zeros(len(labels), dtype=bool), list[str]()
    left = np.bincount(labels, minlength=len(classes))
    order = np.argsort(groups, kind="stable")
    found, starts = np.unique(groups[order], return_index=True)
    members = dict(zip(found.tolist(), np.split(order, starts[1:])))
    for label, name in enumerate(classes):
        own = np.flatnonzero(labels == label)
        wanted = max(1, round(fraction * len(own)))
        for group in rng.permutation(np.unique(groups[own])).tolist():
            taken = np.bincount(labels[members[group]], minlength=len(classes))
            if held[own].sum() >= wanted:
                break
            if not held[members[group][0]] and (left > taken)[taken > 0].all():
                held[members[group]] = True
                left = left - taken
        if not held[own].any():
            few.append(repr(name))
    if few:
        which = f"class {few[0]} has" if len(few) == 1 else f"classes {listed(few)} have"
        raise LutraError(
            f"{which} too few groups to draw a {role} split from: give each class images of more things, its own "
            f"{role} folder, or another data.group"
        )
    return np.flatnonzero(~held), np.flatnonzero(held)


def shared(groups: np.ndarray, others: np.ndarray) -> int:
    """How many images of a split belong to a group that the other split has too."""
    return int(np.isin(groups, others).sum())
