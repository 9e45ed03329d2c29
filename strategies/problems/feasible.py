"""Feasible architectures at no cost: costs are known without training, so infeasible architectures are never evaluated.

Random architectures, mutations and crossovers are drawn until one is feasible (Guo et al. 2020, section 3.4; Cai et al.
2020). If nearly all would be rejected, a feasible network is drawn from a list of all feasible ones, if these can be
listed; otherwise by a random walk over feasible mutations (Metropolis et al. 1953), from the network with the most room
below its bounds, or from the cheapest one under a trunk that is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property, partial
from random import Random

import numpy as np

from predictors import costs
from search_spaces.errors import LutraError
from search_spaces.space import Arch, SearchSpace
from strategies.problems.objective import Objective

DRAWS = 100  # consecutive draws that may be rejected
FEW = 2000  # list a large space's feasible networks only if there are at most this many
STEPS = 10  # steps of a random walk, per layer


class Feasible:
    """The part of a problem that costs nothing. Costs are by name; latencies in seconds, sizes in bytes."""

    space: SearchSpace
    objective: Objective
    costs: Mapping[str, Callable[[Arch], float]]
    drawn: Objective | None = None  # whose bounds are drawn within; None: those of the objective

    @property
    def bounds(self) -> Objective:
        """What an architecture must meet to be evaluated."""
        return self.drawn or self.objective

    def costs_of(self, arch: Arch) -> dict[str, float]:
        """An architecture's costs, by name."""
        return {name: cost(arch) for name, cost in self.costs.items()}

    def cost_columns(self, picks: np.ndarray) -> dict[str, np.ndarray]:
        """Costs [n] by name, for choices [n, layers]; in one call for costs that have `of`."""
        return {name: _together(cost, picks) for name, cost in self.costs.items()}

    def feasible(self, arch: Arch) -> bool:
        """Whether an architecture is a network within the bounds."""
        return self.space.valid(arch) and self.bounds.allows(self.costs_of(arch))

    def feasible_all(self, picks: np.ndarray) -> np.ndarray:
        """`feasible` for each row of choices [n, layers]."""
        fits = np.array([self.space.valid(tuple(arch)) for arch in picks.tolist()], bool)
        fits[fits] = self.bounds.allows(self.cost_columns(picks[fits]))
        return fits

    def sample(self, rng: Random) -> Arch:
        """A random feasible architecture. Raises LutraError if no network is feasible."""
        arch = None if self._rare else self._first_feasible(partial(self.space.sample, rng))
        return arch or (rng.choice(self.pool) if self.pool else self._walk(rng))

    def mutate(self, arch: Arch, rng: Random) -> Arch:
        """A feasible mutation, or a random architecture if hardly any is feasible."""
        return self._first_feasible(partial(self.space.mutate, arch, rng)) or self.sample(rng)

    def crossover(self, mother: Arch, father: Arch, rng: Random) -> Arch:
        """A feasible crossover, or a random architecture if hardly any is feasible."""
        return self._first_feasible(partial(self.space.crossover, mother, father, rng)) or self.sample(rng)

    def _first_feasible(self, draw: Callable[[], Arch]) -> Arch | None:
        return next((arch for arch in (draw() for _ in range(DRAWS)) if self.feasible(arch)), None)

    def _walk(self, rng: Random) -> Arch:
        arch = self.cheapest
        if len(starts := self._fitting(list(dict.fromkeys([arch, *self._corners])))) > 1:
            arch = rng.choice(starts)  # a walk does not lead from one trunk to another
        if not self.feasible(arch):
            raise LutraError(
                f"no network in {self.space.name} was found within the bounds; the nearest has "
                f"{costs.text(self.costs_of(arch))}: raise objective.target_fraction, target_ms or target_kb"
            )
        for _ in range(STEPS * len(arch)):
            step = self.space.mutate(arch, rng)
            arch = step if self.feasible(step) else arch
        return arch

    @cached_property
    def _rare(self) -> bool:
        """Whether hardly any random architecture is feasible."""
        return self._first_feasible(partial(self.space.sample, Random(0))) is None

    @cached_property
    def pool(self) -> list[Arch]:
        """Every feasible network, if these can be listed: in a small space, or if there are few; otherwise empty."""
        if self.space.networks is not None:
            return self._fitting(self.space.networks)
        edge = self._fitting({self.cheapest, *self._corners}) if self._rare and len(self.costs) == 1 else []
        known = {*edge}
        # with one additive cost, single changes lead from a trunk's cheapest network to every other under this trunk
        while edge and len(known) <= FEW:
            around = {other for arch in edge for other in self.space.neighbours(arch)}
            edge = self._fitting(around - known)
            known.update(edge)
        return [] if edge else sorted(known)

    @cached_property
    def _corners(self) -> list[Arch]:
        """The network with the lowest cost under each trunk, for each cost that is one of layers."""
        found = (corner for cost in self.costs.values() for corner in getattr(cost, "lowest_by_trunk", ()))
        return list(dict.fromkeys(map(self.space.canonical, found))) or [self.space.reference]

    def _fitting(self, archs: Collection[Arch]) -> list[Arch]:
        return [arch for arch, fits in zip(archs, self.feasible_all(np.array([*archs]))) if fits]

    @cached_property
    def cheapest(self) -> Arch:
        """The network with the most room below its bounds; with non-additive costs in a large space, a local one."""

        def burden(arch: Arch) -> float:
            return self.bounds.burden(self.costs_of(arch))

        arch = min(self.space.networks or [self.space.reference, *self._corners], key=burden)
        while (cheaper := min([arch, *self.space.neighbours(arch)], key=burden)) != arch:
            arch = cheaper
        return arch


def _together(cost: Callable[[Arch], float], picks: np.ndarray) -> np.ndarray:
    together = getattr(cost, "of", None)
    return together(picks) if together else np.array([cost(tuple(arch)) for arch in picks.tolist()])
