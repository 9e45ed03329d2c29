"""Stacks: neighbouring layers with the same options, one of which is Skip. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from search_spaces.layers import Skip


class Stack(NamedTuple):
    """Neighbouring layers with the same options, one of which is Skip."""

    layers: slice
    height: int  # layers
    blocks: tuple[int, ...]  # the options that compute
    skip: int  # the option that does not


def stacks_of(layers: Sequence[Sequence[Any]], choices: Sequence[Sequence[Any]]) -> tuple[Stack, ...]:
    """From the first layer to the last. A skippable layer without an equal neighbour is a stack too.

    `layers` lists the options of all trunks, `choices` those of the first.
    """
    found, first = [], 0
    for (_, own), run in groupby(zip(layers, choices)):
        height = len(list(run))
        skips = [pick for pick, option in enumerate(own) if isinstance(option, Skip)]
        if 0 < len(skips) < len(own):
            blocks = tuple(pick for pick in range(len(own)) if pick not in skips)
            found.append(Stack(slice(first, first + height), height, blocks, skips[0]))
        first += height
    return tuple(found)


def networks_of(options: Sequence[int], stacks: Sequence[Stack]) -> int:
    """The number of networks, given the number of options of each layer."""
    counts = list(options)
    for stack in stacks:
        depths = sum(len(stack.blocks) ** depth for depth in range(stack.height + 1))
        counts[stack.layers] = [depths] + [1] * (stack.height - 1)
    return math.prod(counts)


def skips_last(picks: np.ndarray, stacks: Sequence[Stack]) -> np.ndarray:
    """Choices [n, layers] of the same networks, in which the Skips of each stack come last."""
    picks = picks.copy()
    for stack in stacks:
        part = picks[:, stack.layers]
        order = (part == stack.skip).argsort(1, kind="stable")
        picks[:, stack.layers] = np.take_along_axis(part, order, 1)
    return picks
