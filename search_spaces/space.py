"""The one idea: every layer picks one of its options, independently; an architecture is the tuple of picks.

The image's stem and the classifier are layers with a single option. No torch here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any

from search_spaces.errors import LutraError
from search_spaces.spec import Spec, macs

Arch = tuple[int, ...]  # one option index a layer


@dataclass(frozen=True)
class SearchSpace:
    """A product of option lists. `reference` is the hand-made network of the same space to compare a winner with.

    `layers[l][o]` is a `Spec`; a space read from a published file may hold plain names, as strategies only count them.
    `valid` excludes tuples that are no network (a published table may lack them).
    """

    name: str
    layers: tuple[tuple[Any, ...], ...]
    reference: Arch
    valid: Callable[[Arch], bool] = lambda arch: True

    def __post_init__(self) -> None:
        self.check(self.reference)

    @cached_property
    def options(self) -> tuple[int, ...]:
        """The number of options of each layer."""
        return tuple(len(options) for options in self.layers)

    @property
    def size(self) -> int:
        """How many tuples of picks there are."""
        return math.prod(self.options)

    @property
    def largest(self) -> Arch:
        """In each layer the option with the most multiply-accumulates."""
        return tuple(costs.index(max(costs)) for costs in self._macs())

    @property
    def smallest(self) -> Arch:
        """In each layer the option with the fewest multiply-accumulates: Skip, where it may."""
        return tuple(costs.index(min(costs)) for costs in self._macs())

    def _macs(self) -> list[list[int]]:
        return [[macs((option,)) for option in options] for options in self.layers]

    def check(self, arch: Arch) -> Arch:
        """The same architecture, or a LutraError that says why it is none of this space."""
        if len(arch) != len(self.layers):
            raise LutraError(f"{self.name} has {len(self.layers)} layers, the architecture has {len(arch)}: {arch}")
        for layer, (pick, count) in enumerate(zip(arch, self.options)):
            if not 0 <= pick < count:
                raise LutraError(f"layer {layer} of {self.name} has the options 0 to {count - 1}, not {pick}")
        return arch

    def decode(self, arch: Arch) -> tuple[Spec, ...]:
        """The layers of an architecture, Skips included."""
        return tuple(self.layers[layer][pick] for layer, pick in enumerate(self.check(arch)))

    def sample(self, rng: Random) -> Arch:
        """One uniform draw per layer."""
        while True:
            arch = tuple(rng.randrange(count) for count in self.options)
            if self.valid(arch):
                return arch

    def mutate(self, arch: Arch, rng: Random) -> Arch:
        """Another architecture that differs in exactly one pick, uniform over layers, then over their other options."""
        free = [layer for layer, count in enumerate(self.options) if count > 1]
        while True:
            layer = rng.choice(free)
            pick = rng.randrange(self.options[layer] - 1)
            child = (*arch[:layer], pick + (pick >= arch[layer]), *arch[layer + 1 :])
            if self.valid(child):
                return child

    def crossover(self, mother: Arch, father: Arch, rng: Random) -> Arch:
        """Uniform crossover (Syswerda 1989): each pick from either parent."""
        while True:
            child = tuple(rng.choice(pair) for pair in zip(mother, father))
            if self.valid(child):
                return child
