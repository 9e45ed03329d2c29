"""Feasible architectures at no charge: a latency costs nothing, so what is beyond the bound is never evaluated.

Draws, mutations and crossovers are rejected until they are feasible, as in the evolution of single-path one-shot (Guo
et al. 2020, section 3.4) and of once-for-all (Cai et al. 2020). Where nearly all are rejected, a small space gives one
of its feasible networks, and a large one ends a walk that starts from the fastest network and takes every mutation that
is feasible (Metropolis et al. 1953, with a uniform density).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from random import Random

import numpy as np

from search_spaces.errors import LutraError
from search_spaces.space import Arch, SearchSpace
from strategies.objective import Objective

DRAWS = 100  # in a row that may be rejected
STEPS = 10  # of a walk, for each layer with a choice


class Feasible:
    """The part of a problem that costs nothing. Latencies are in seconds."""

    space: SearchSpace
    objective: Objective
    latency: Callable[[Arch], float]

    def latencies(self, picks: np.ndarray) -> np.ndarray:
        """[n] of picks [n, layers]: in one call where the latency has one for many, `of`."""
        together = getattr(self.latency, "of", None)
        return together(picks) if together else np.array([self.latency(tuple(arch)) for arch in picks.tolist()])

    def feasible(self, arch: Arch) -> bool:
        """Whether it is a network, and within the objective's bound."""
        return self.space.valid(arch) and self.objective.feasible(self.latency(arch))

    def feasible_all(self, picks: np.ndarray) -> np.ndarray:
        """The same of each row of picks [n, layers]."""
        fits = np.array([self.space.valid(tuple(arch)) for arch in picks.tolist()], bool)
        fits[fits] = [self.objective.feasible(seconds) for seconds in self.latencies(picks[fits]).tolist()]
        return fits

    def sample(self, rng: Random) -> Arch:
        """A feasible draw from the space. Raises LutraError where no network is feasible."""
        return self._first(partial(self.space.sample, rng)) or self._rare(rng)

    def mutate(self, arch: Arch, rng: Random) -> Arch:
        """A feasible mutation; a draw where hardly any is feasible."""
        return self._first(partial(self.space.mutate, arch, rng)) or self.sample(rng)

    def crossover(self, mother: Arch, father: Arch, rng: Random) -> Arch:
        """A feasible crossover; a draw where hardly any is feasible."""
        return self._first(partial(self.space.crossover, mother, father, rng)) or self.sample(rng)

    def _first(self, draw: Callable[[], Arch]) -> Arch | None:
        return next((arch for arch in (draw() for _ in range(DRAWS)) if self.feasible(arch)), None)

    def _rare(self, rng: Random) -> Arch:
        """Where hardly any draw is feasible."""
        if self.pool:
            return rng.choice(self.pool)
        arch = self.fastest
        if not self.feasible(arch):
            raise LutraError(
                f"no network of {self.space.name} meets {self.objective}: the fastest, {arch}, takes "
                f"{1e3 * self.latency(arch):.4g} ms; raise objective.target_ms or objective.target_fraction"
            )
        for _ in range(STEPS * sum(count > 1 for count in self.space.options)):
            step = self.space.mutate(arch, rng)
            arch = step if self.feasible(step) else arch
        return arch

    @cached_property
    def pool(self) -> list[Arch]:
        """Every feasible network of a space whose networks are listed; none of a larger space."""
        networks = self.space.networks or ()
        return [arch for arch, fits in zip(networks, self.feasible_all(np.array(networks))) if fits]

    @cached_property
    def fastest(self) -> Arch:
        """The fastest network where they are listed, or where latency adds over layers.

        Elsewhere one that no single other pick makes faster.
        """
        if self.space.networks is not None:
            return min(self.space.networks, key=self.latency)
        arch: Arch = self.space.reference
        before: Arch = ()
        while arch != before:
            before = arch
            for layer, count in enumerate(self.space.options):
                others = [(*arch[:layer], pick, *arch[layer + 1 :]) for pick in range(count)]
                arch = min(filter(self.space.valid, others), key=self.latency)
        return self.space.canonical(arch)
