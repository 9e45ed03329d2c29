"""The one idea: every layer chooses one of its options independently; an architecture is the tuple of choices.

Stem and classifier have a single option, unless the stems are trunks (see `search_spaces.trunks`). Imports no torch.

If neighbouring layers have the same options and Skip is one of them, (Skip, A) and (A, Skip) are the same network. Such
layers form a stack, and the canonical architecture of a network has each stack's Skips last, as once-for-all counts
depth (Cai et al. 2020). Sampling, mutation and crossover give canonical architectures, and `size` counts networks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from random import Random
from typing import Any

import numpy as np

from search_spaces import trunks
from search_spaces.costs import macs
from search_spaces.errors import LutraError
from search_spaces.layers import Spec
from search_spaces.stacks import Stack, networks_of, skips_last, stacks_of

Arch = tuple[int, ...]  # one option index per layer
SMALL = 20_000  # architectures up to which all networks of a space are listed
TRIES = 1000  # consecutive draws that may be invalid


@dataclass(frozen=True)
class SearchSpace:
    """A product of option lists. `reference` is the hand-made network of this space that a winner is compared with.

    `layers[l]` lists the `Spec`s of a layer under all trunks, where `place` finds the picks of an architecture; a space
    from a published file may have plain names, as strategies only count options. `valid` excludes architectures that
    are no networks (a published table may lack some); `listed` has the others.
    """

    name: str
    layers: tuple[tuple[Any, ...], ...]
    reference: Arch
    valid: Callable[[Arch], bool] = lambda arch: True
    listed: tuple[Arch, ...] = field(default=(), repr=False)
    kept: tuple[int, ...] = ()  # the numbers of its trunks in the whole space; empty: all of them

    def __post_init__(self) -> None:
        self.check(self.reference)

    @cached_property
    def trunks(self) -> int:
        """1 unless the first layer has several options that decide the shapes of the others."""
        return trunks.trunks_of(self.layers)

    @cached_property
    def _lengths(self) -> tuple[int, ...]:
        return tuple(len(options) for options in self.layers)

    @cached_property
    def options(self) -> tuple[int, ...]:
        """The number of options of each layer, within a trunk."""
        return trunks.counts(self._lengths, self.trunks)

    @cached_property
    def choices(self) -> tuple[tuple[Any, ...], ...]:
        """The options of each layer in the first trunk; those of the others are of the same kinds."""
        return tuple(options[:count] for options, count in zip(self.layers, self.options))

    def under(self, kept: Sequence[int]) -> SearchSpace:
        """The space with only these trunks. Raises LutraError if it does not have them."""
        layers, reference = trunks.only(self.layers, kept, self.trunks, self.reference)
        return self if layers == self.layers else replace(self, layers=layers, reference=reference, kept=(*kept,))

    def within(self, trunk: int) -> list[slice]:
        """The part of each layer's list that belongs to a trunk."""
        return trunks.within(self._lengths, self.trunks, trunk)

    def place(self, arch: Arch) -> Arch:
        """Where an architecture's options are in `layers`."""
        return tuple(trunks.places(np.array([self.check(arch)]), self._lengths, self.trunks)[0].tolist())

    @cached_property
    def stacks(self) -> tuple[Stack, ...]:
        """From the first layer to the last."""
        return stacks_of(self.layers, self.choices)

    @cached_property
    def size(self) -> int:
        """The number of networks (of architectures, if `valid` excludes some and none are listed)."""
        return len(self.listed) or networks_of(self.options, self.stacks)

    @cached_property
    def networks(self) -> tuple[Arch, ...] | None:
        """All networks, if they are listed or the space is small; else None."""
        if self.listed or math.prod(self.options) > SMALL:
            return self.listed or None
        valid = filter(self.valid, product(*map(range, self.options)))
        return tuple(arch for arch in valid if self.canonical(arch) == arch)

    @property
    def largest(self) -> Arch:
        """The option with the most multiply-accumulates in each layer, and the trunk with which that is the most."""
        return max(self._corners(max))[1]

    @property
    def smallest(self) -> Arch:
        """The same with the fewest: Skip, where possible."""
        return min(self._corners(min))[1]

    def _corners(self, best: Callable[[list[int]], int]) -> Iterator[tuple[int, Arch]]:
        return trunks.corners([[macs((one,)) for one in options] for options in self.layers], self.trunks, best)

    def check(self, arch: Arch) -> Arch:
        """Returns the architecture, or raises LutraError that says why it is not in this space."""
        if len(arch) != len(self.layers):
            raise LutraError(f"{self.name} has {len(self.layers)} layers, the architecture has {len(arch)}: {arch}")
        for layer, (pick, count) in enumerate(zip(arch, self.options)):
            if not 0 <= pick < count:
                raise LutraError(f"layer {layer} of {self.name} has the options 0 to {count - 1}, not {pick}")
        return arch

    def canonical(self, arch: Arch) -> Arch:
        """The architecture of the same network whose stacks have their Skips last."""
        picks = list(arch)
        for stack in self.stacks:
            blocks = [pick for pick in picks[stack.layers] if pick != stack.skip]
            picks[stack.layers] = blocks + [stack.skip] * (stack.height - len(blocks))
        return tuple(picks)

    def canonical_all(self, picks: np.ndarray) -> np.ndarray:
        """`canonical` for each row of choices [n, layers]."""
        return skips_last(picks, self.stacks)

    def decode(self, arch: Arch) -> tuple[Spec, ...]:
        """The layers of an architecture, Skips included."""
        return tuple(options[place] for options, place in zip(self.layers, self.place(arch)))

    def sample(self, rng: Random) -> Arch:
        """Draws uniformly over each stack's depth (Cai et al. 2020; Yu et al. 2020), then over each layer's options.

        Uniform over the listed networks, if there are any. Raises LutraError if hardly any draw is valid.
        """
        arch = None if self.listed else self._valid(lambda: self._draw(rng))
        if arch is None and not self.networks:
            raise LutraError(f"none of {TRIES} draws from {self.name} is a network: too few architectures are valid")
        return arch or rng.choice(self.networks or ())

    def others(self, count: int, known: Iterable[Arch], rng: Random) -> list[Arch]:
        """`count` distinct networks from `sample`, none of them in `known`. Raises LutraError if too few are left."""
        seen, found, repeats = {self.canonical(arch) for arch in known}, list[Arch](), 0
        while len(found) < count and repeats < TRIES:
            arch = self.sample(rng)
            repeats = repeats + 1 if arch in seen else 0
            found += [] if arch in seen else [arch]
            seen.add(arch)
        left, missing = sorted({*(self.networks or ())} - seen), count - len(found)
        if missing > len(left):
            raise LutraError(f"{self.name} has too few networks: {count} new ones were requested")
        return found + rng.sample(left, missing)

    def _draw(self, rng: Random) -> Arch:
        picks = [rng.randrange(count) for count in self.options]
        for stack in self.stacks:
            blocks = [rng.choice(stack.blocks) for _ in range(rng.randint(0, stack.height))]
            picks[stack.layers] = blocks + [stack.skip] * (stack.height - len(blocks))
        return tuple(picks)

    def neighbours(self, arch: Arch) -> Iterator[Arch]:
        """Every other network that differs in one choice."""
        for layer, count in enumerate(self.options):
            for pick in range(count):
                other = self.canonical((*arch[:layer], pick, *arch[layer + 1 :]))
                if pick != arch[layer] and self.valid(other):
                    yield other

    def mutate(self, arch: Arch, rng: Random) -> Arch:
        """A network that differs in exactly one choice, uniform over layers, then over their other options.

        A new draw if there is no such network. Raises LutraError if no layer has a choice.
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
        """Uniform crossover (Syswerda 1989): each choice from either parent; the mother if no child is valid."""
        pairs = list(zip(self.canonical(mother), self.canonical(father)))
        return self._valid(lambda: self.canonical(tuple(map(rng.choice, pairs)))) or self.canonical(mother)

    def _valid(self, draw: Callable[[], Arch]) -> Arch | None:
        return next((arch for arch in (draw() for _ in range(TRIES)) if self.valid(arch)), None)
