"""The widths that pruning can choose from, as a search space; does not need torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from compress.pruning.units import prunable, units
from search_spaces.errors import LutraError
from search_spaces.layers import Skip, Spec
from search_spaces.space import SearchSpace


def hidden_widths(specs: Sequence[Spec]) -> dict[int, int]:
    """The number of units of each prunable layer, such as the hidden channels of MBConvs and of the head."""
    return {layer: units(spec) for layer, spec in enumerate(specs) if spec.prunable}


def width_space(specs: Sequence[Spec], most: int = 12) -> SearchSpace:
    """The networks that pruning can make; the reference is the unpruned one.

    An MBConv or head has its own width and smaller multiples of 8, widest first: all down to 8, or `most` of them,
    evenly spread; a residual block can also be removed. Other layers have one option. Raises LutraError if `most` is 0.
    """
    if most < 1:
        raise LutraError(f"a layer needs at least one width to choose from, not {most}")
    layers = tuple(_narrower(spec, most) if spec.prunable else (spec,) for spec in specs)
    return SearchSpace("pruned_widths", layers, (0,) * len(layers))


def _narrower(spec: Spec, most: int) -> tuple[Spec, ...]:
    layers = [with_units(spec, width) for width in _possible_widths(spec, most)]
    return (*layers, Skip(spec.in_channels, spec.resolution)) if spec.residual else tuple(layers)


def with_units(spec: Spec, count: int) -> Spec:
    return dataclasses.replace(spec, **{prunable(spec).field: count})


def _possible_widths(spec: Spec, most: int) -> list[int]:
    multiple = prunable(spec).multiple
    widths = [units(spec), *range((units(spec) - 1) // multiple * multiple, 0, -multiple)]
    if len(widths) <= most:
        return widths
    return [widths[index] for index in np.linspace(0, len(widths) - 1, most).round().astype(int)]
