"""Trunks: options of the first layer that decide the shapes of all later layers.

Where the first layer has several options, each is a trunk: an input resolution, a stem and the width of what follows.
The later layers then list their options trunk by trunk: all of the first trunk's, then all of the second's, and so on.
An architecture's pick counts within its trunk; its place counts within the whole list. Every trunk has the same number
of options in a layer, of the same kinds in the same order, so a pick means the same block in every trunk.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from search_spaces.errors import LutraError


def trunks_of(layers: Sequence[Sequence[Any]]) -> int:
    """The number of trunks; 1 in a space whose first layer decides nothing. Raises LutraError if they differ in kinds.

    Only a layer that takes the image can be a trunk.
    """
    trunks = len(layers[0]) if layers and all(getattr(one, "takes_image", False) for one in layers[0]) else 1
    for layer, options in enumerate(layers[1:] if trunks > 1 else ()):
        kinds = [type(option) for option in options]
        if kinds[: len(kinds) // trunks] * trunks != kinds:
            raise LutraError(f"layer {layer + 1} must offer the same kinds of blocks in each of the {trunks} trunks")
    return trunks


def counts(lengths: Sequence[int], trunks: int) -> tuple[int, ...]:
    """The number of picks of each layer, from the length of its list."""
    return (*lengths[:1], *(length // trunks for length in lengths[1:]))


def within(lengths: Sequence[int], trunks: int, trunk: int) -> list[slice]:
    """The part of each layer's list that belongs to one trunk."""
    later = [slice(trunk * count, (trunk + 1) * count) for count in counts(lengths, trunks)[1:]]
    return [slice(trunk, trunk + 1) if trunks > 1 else slice(0, lengths[0]), *later]


def whole(arch: tuple[int, ...], kept: Sequence[int]) -> tuple[int, ...]:
    """The same network in the whole space; `kept`: the trunks that the architecture chooses from, empty if all."""
    return (kept[arch[0]], *arch[1:]) if kept else arch


def only(
    layers: Sequence[Sequence[Any]], kept: Sequence[int], trunks: int, reference: tuple[int, ...]
) -> tuple[tuple[tuple[Any, ...], ...], tuple[int, ...]]:
    """The layers with the `kept` trunks only, in that order, and the reference there: under its trunk, or the first."""
    if odd := [trunk for trunk in kept if trunk not in range(trunks)]:
        raise LutraError(f"there is no trunk {odd[0]}: space.trunks takes numbers from 0 to {trunks - 1}")
    if len({*kept}) < len(kept):
        raise LutraError(f"a trunk is listed twice: {', '.join(map(str, kept))}")
    parts = [within([*map(len, layers)], trunks, trunk) for trunk in kept]
    rows = tuple(tuple(one for part in parts for one in options[part[layer]]) for layer, options in enumerate(layers))
    return rows, (kept.index(reference[0]) if reference[0] in kept else 0, *reference[1:])


def corners(
    costs: Sequence[list[int]], trunks: int, best: Callable[[list[int]], int]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """For each trunk the sum of the best cost of each layer, and the picks that have it."""
    lengths = [len(row) for row in costs]
    for trunk in range(trunks):
        own = [row[part] for row, part in zip(costs, within(lengths, trunks, trunk))]
        first, *later = (row.index(best(row)) for row in own)
        yield sum(map(best, own)), (trunk if trunks > 1 else first, *later)


def places(picks: np.ndarray, lengths: Sequence[int], trunks: int) -> np.ndarray:
    """The place of each pick in its layer's list: [n, layers]."""
    if trunks == 1:
        return picks
    first = np.array([0, *counts(lengths, trunks)[1:]])
    return picks + picks[:, :1] * first
