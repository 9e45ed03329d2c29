"""Feasible architectures at no charge: a latency costs nothing, so what is beyond the bound is never evaluated.

Draws, mutations and crossovers are rejected until they are feasible (Guo et al. 2020, section 3.4; Cai et al. 2020).
Where nearly all draws would be rejected, one of the feasible networks is drawn if these can be listed; otherwise a draw
is the end of a walk from the fastest network that takes every feasible mutation (Metropolis et al. 1953).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cached_property, partial
from random import Random

import numpy as np

from search_spaces.errors import LutraError
from search_spaces.space import Arch, SearchSpace
from strategies.objective import Objective, allowed

DRAWS = 100  # in a row that may be rejected
FEW = 2000  # feasible networks of a large space, up to which they are listed
STEPS = 10  # of a walk, for each layer


class Feasible:
    """The part of a problem that costs nothing. Latencies are in seconds."""

    space: SearchSpace
    objective: Objective
    latency: Callable[[Arch], float]

    def latencies(self, picks: np.ndarray) -> np.ndarray:
        """[n] of picks [n, layers], in one call where `latency` has `of` for many."""
        together = getattr(self.latency, "of", None)
        return together(picks) if together else np.array([self.latency(tuple(arch)) for arch in picks.tolist()])

    def feasible(self, arch: Arch) -> bool:
        """Whether it is a network, and within the objective's bound."""
        return self.space.valid(arch) and allowed(self.objective, self.latency(arch))

    def feasible_all(self, picks: np.ndarray) -> np.ndarray:
        """The same of each row of picks [n, layers]."""
        fits = np.array([self.space.valid(tuple(arch)) for arch in picks.tolist()], bool)
        fits[fits] = [allowed(self.objective, seconds) for seconds in self.latencies(picks[fits]).tolist()]
        return fits

    def sample(self, rng: Random) -> Arch:
        """A feasible draw from the space. Raises LutraError where no network is feasible."""
        arch = None if self._rare else self._first(partial(self.space.sample, rng))
        return arch or (rng.choice(self.pool) if self.pool else self._walk(rng))

    def mutate(self, arch: Arch, rng: Random) -> Arch:
        """A feasible mutation; a draw where hardly any is feasible."""
        return self._first(partial(self.space.mutate, arch, rng)) or self.sample(rng)

    def crossover(self, mother: Arch, father: Arch, rng: Random) -> Arch:
        """A feasible crossover; a draw where hardly any is feasible."""
        return self._first(partial(self.space.crossover, mother, father, rng)) or self.sample(rng)

    def _first(self, draw: Callable[[], Arch]) -> Arch | None:
        return next((arch for arch in (draw() for _ in range(DRAWS)) if self.feasible(arch)), None)

    def _walk(self, rng: Random) -> Arch:
        arch = self.fastest
        if not self.feasible(arch):
            fastest = f"the fastest takes {1e3 * self.latency(arch):.4g} ms; raise objective.target_ms"
            raise LutraError(f"no network in {self.space.name} meets {self.objective}: {fastest}")
        for _ in range(STEPS * len(arch)):
            step = self.space.mutate(arch, rng)
            arch = step if self.feasible(step) else arch
        return arch

    @cached_property
    def _rare(self) -> bool:
        """Whether hardly any draw is feasible."""
        return self._first(partial(self.space.sample, Random(0))) is None

    @cached_property
    def pool(self) -> list[Arch]:
        """Every feasible network, where these can be listed: in a small space, or where they are few; else none."""
        if self.space.networks is not None:
            return self._fitting(self.space.networks)
        edge = self._fitting([self.fastest]) if self._rare else []
        known = {*edge}
        while edge and len(known) <= FEW:  # where layers add, single changes lead from the fastest to every other
            around = {other for arch in edge for other in self.space.neighbours(arch)}
            edge = self._fitting(around - known)
            known.update(edge)
        return [] if edge else sorted(known)

    def _fitting(self, archs: Collection[Arch]) -> list[Arch]:
        return [arch for arch, fits in zip(archs, self.feasible_all(np.array([*archs]))) if fits]

    @cached_property
    def fastest(self) -> Arch:
        """Of a large space where latency does not add over layers, one that no single other pick makes faster."""
        arch = min(self.space.networks or [self.space.reference], key=self.latency)
        while (faster := min([arch, *self.space.neighbours(arch)], key=self.latency)) != arch:
            arch = faster
        return arch
