"""The one idea: every layer picks one of its options, independently; an architecture is the tuple of picks.

The image's stem and the classifier are layers with a single option. No torch here.

Where neighbouring layers have the same options, Skip among them, (Skip, A) and (A, Skip) are one network. Such layers
are a stack, and the canonical architecture of a network has each stack's Skips last, as once-for-all counts depth (Cai
et al. 2020). What is drawn, mutated or crossed here is canonical, and `size` counts networks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby, product
from random import Random
from typing import Any, NamedTuple

import numpy as np

from search_spaces.costs import macs
from search_spaces.errors import LutraError
from search_spaces.layers import Skip, Spec

Arch = tuple[int, ...]  # one option index a layer
SMALL = 20_000  # tuples of picks, up to which all networks of a space are listed
TRIES = 1000  # draws in a row that may be no network


class Stack(NamedTuple):
    """Neighbouring layers with the same options, one of which is Skip."""

    layers: slice
    height: int  # layers
    blocks: tuple[int, ...]  # the picks that compute
    skip: int  # the pick that does not


@dataclass(frozen=True)
class SearchSpace:
    """A product of option lists. `reference` is the hand-made network of the same space to compare a winner with.

    `layers[l][o]` is a `Spec`; a space read from a published file may hold plain names, as strategies only count them.
    `valid` excludes tuples that are no network (a published table may lack them); `listed` are then those that are.
    """

    name: str
    layers: tuple[tuple[Any, ...], ...]
    reference: Arch
    valid: Callable[[Arch], bool] = lambda arch: True
    listed: tuple[Arch, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        self.check(self.reference)

    @cached_property
    def options(self) -> tuple[int, ...]:
        """The number of options of each layer."""
        return tuple(len(options) for options in self.layers)

    @cached_property
    def stacks(self) -> tuple[Stack, ...]:
        """From the first layer to the last. A layer that may be skipped and has no like neighbour is a stack too."""
        found, first = [], 0
        for options, run in groupby(self.layers):
            height = len(list(run))
            skips = [pick for pick, option in enumerate(options) if isinstance(option, Skip)]
            if 0 < len(skips) < len(options):
                blocks = tuple(pick for pick in range(len(options)) if pick not in skips)
                found.append(Stack(slice(first, first + height), height, blocks, skips[0]))
            first += height
        return tuple(found)

    @cached_property
    def size(self) -> int:
        """How many networks there are (tuples of picks where `valid` excludes some and none are listed)."""
        if self.listed:
            return len(self.listed)
        options = list(self.options)
        for stack in self.stacks:
            depths = sum(len(stack.blocks) ** depth for depth in range(stack.height + 1))
            options[stack.layers] = [depths] + [1] * (stack.height - 1)
        return math.prod(options)

    @cached_property
    def networks(self) -> tuple[Arch, ...] | None:
        """All of them, where they are listed or the space is small; None where it is not."""
        if self.listed or math.prod(self.options) > SMALL:
            return self.listed or None
        archs = product(*map(range, self.options))
        return tuple(arch for arch in archs if self.canonical(arch) == arch and self.valid(arch))

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

    def canonical(self, arch: Arch) -> Arch:
        """The one architecture of the same network whose stacks have their Skips last."""
        picks = list(arch)
        for stack in self.stacks:
            blocks = [pick for pick in picks[stack.layers] if pick != stack.skip]
            picks[stack.layers] = blocks + [stack.skip] * (stack.height - len(blocks))
        return tuple(picks)

    def canonical_all(self, picks: np.ndarray) -> np.ndarray:
        """`canonical` of each row of picks [n, layers]."""
        picks = picks.copy()
        for stack in self.stacks:
            part = picks[:, stack.layers]
            order = (part == stack.skip).argsort(1, kind="stable")
            picks[:, stack.layers] = np.take_along_axis(part, order, 1)
        return picks

    def decode(self, arch: Arch) -> tuple[Spec, ...]:
        """The layers of an architecture, Skips included."""
        return tuple(self.layers[layer][pick] for layer, pick in enumerate(self.check(arch)))

    def sample(self, rng: Random) -> Arch:
        """Uniform over each stack's depth (Cai et al. 2020; Yu et al. 2020), then over what each layer computes.

        Uniform over the networks that are listed, where some are. Raises LutraError where hardly any draw is valid.
        """
        arch = None if self.listed else self._valid(lambda: self._draw(rng))
        if arch is None and not self.networks:
            raise LutraError(f"none of {TRIES} draws from {self.name} is a network: too few tuples of picks are")
        return arch or rng.choice(self.networks or ())

    def others(self, count: int, known: Iterable[Arch], rng: Random) -> list[Arch]:
        """`count` different networks, drawn by `sample`, none of them known. Raises LutraError where none is left."""
        seen, found, repeats = {self.canonical(arch) for arch in known}, list[Arch](), 0
        while len(found) < count and repeats < TRIES:
            arch = self.sample(rng)
            repeats = repeats + 1 if arch in seen else 0
            found += [] if arch in seen else [arch]
            seen.add(arch)
        left, missing = sorted({*(self.networks or ())} - seen), count - len(found)
        if missing > len(left):
            raise LutraError(f"{self.name} has too few networks: {count} others than those known were asked for")
        return found + rng.sample(left, missing)

    def _draw(self, rng: Random) -> Arch:
        picks = [rng.randrange(count) for count in self.options]
        for stack in self.stacks:
            depth = rng.randint(0, stack.height)
            blocks = [rng.choice(stack.blocks) for _ in range(depth)]
            picks[stack.layers] = blocks + [stack.skip] * (stack.height - depth)
        return tuple(picks)

    def neighbours(self, arch: Arch) -> Iterator[Arch]:
        """Every other network that differs in one pick."""
        for layer, count in enumerate(self.options):
            for pick in range(count):
                other = self.canonical((*arch[:layer], pick, *arch[layer + 1 :]))
                if pick != arch[layer] and self.valid(other):
                    yield other

    def mutate(self, arch: Arch, rng: Random) -> Arch:
        """A network with exactly one other pick, uniform over layers, then over their other options.

        A draw where no such tuple is a network. Raises LutraError where no layer has a choice.
        """
        arch, free = self.canonical(arch), [layer for layer, count in enumerate(self.options) if count > 1]
        if not free:
            raise LutraError(f"{self.name} has a single network, which cannot be mutated")

        def changed() -> Arch:
            layer = rng.choice(free)
            pick = rng.randrange(self.options[layer] - 1)
            return self.canonical((*arch[:layer], pick + (pick >= arch[layer]), *arch[layer + 1 :]))

        return self._valid(changed) or self.sample(rng)

    def crossover(self, mother: Arch, father: Arch, rng: Random) -> Arch:
        """Uniform crossover (Syswerda 1989): each pick from either parent. The mother where no child is a network."""
        pairs = list(zip(self.canonical(mother), self.canonical(father)))
        return self._valid(lambda: self.canonical(tuple(map(rng.choice, pairs)))) or self.canonical(mother)

    def _valid(self, draw: Callable[[], Arch]) -> Arch | None:
        return next((arch for arch in (draw() for _ in range(TRIES)) if self.valid(arch)), None)
