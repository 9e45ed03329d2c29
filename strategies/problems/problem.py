"""The problem that strategies solve, its evaluation, and candidates. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np

from predictors.costs import LATENCY
from search_spaces.space import Arch, SearchSpace
from strategies.problems.feasible import Feasible
from strategies.problems.objective import Costs, Objective
from strategies.problems.relaxation import Relaxation
from strategies.quality.pareto import nondominated


@dataclass(frozen=True)
class Candidate:
    """An evaluated architecture."""

    arch: Arch
    accuracy: float  # fraction of the validation images
    costs: Costs  # predicted, by name: latency in seconds, sizes in bytes; if it was `timed`, the latency is measured
    score: float  # the objective's, higher is better
    feasible: bool
    mixture: float | None = None  # DARTS: the accuracy of the mixture before discretization, fraction
    timed: bool = False  # whether it was timed on the device during the search

    @property
    def discretization_cost(self) -> float | None:
        """The accuracy that discretization lost, fraction; None without a mixture."""
        return None if self.mixture is None else self.mixture - self.accuracy


@dataclass(frozen=True)
class Problem(Feasible):
    """A space, the objective, and functions for an architecture's accuracy and costs.

    Strategies draw, mutate and cross architectures with the methods of `Feasible`, which cost nothing; only evaluations
    count. `accuracies` evaluates a population in one call, where computation may be shared and distributed; an
    architecture gets the same accuracy in every population. `memo` stores all evaluated accuracies. Filled from the
    candidates of a killed search, it lets the same seed replay that search at no cost. `timed` measures the
    latencies of those architectures of a population whose prediction does not suffice; `latencies` stores them.
    """

    space: SearchSpace
    objective: Objective
    accuracies: Callable[[Sequence[Arch]], Sequence[float]]  # fractions of the validation images
    costs: Mapping[str, Callable[[Arch], float]]  # by name: latency in seconds, sizes in bytes
    relax: Callable[[int], Relaxation] | None = None  # from a seed; None if nothing can be trained
    memo: dict[Arch, float] = field(default_factory=dict, repr=False)
    drawn: Objective | None = None
    timed: Callable[[Sequence[Arch]], Mapping[Arch, float]] | None = None  # seconds by architecture; None: none is
    latencies: dict[Arch, float] = field(default_factory=dict, repr=False)  # seconds
    diagnose: bool = (
        True  # whether DARTS also measures each mixture's accuracy, which a search whose seconds are compared omits
    )

    def evaluate(self, arch: Arch) -> Candidate:
        """Evaluates an architecture, in the same way for every strategy."""
        return self.evaluate_all([arch])[0]

    def evaluate_all(self, archs: Sequence[Arch]) -> list[Candidate]:
        """Evaluates a population, in order and in canonical form; each new network is evaluated once."""
        networks = [self.space.canonical(arch) for arch in archs]
        unknown = [arch for arch in dict.fromkeys(networks) if arch not in self.memo]
        if unknown:
            self.memo.update(zip(unknown, self.accuracies(unknown), strict=True))
        if self.timed and (unknown := [arch for arch in unknown if arch not in self.latencies]):
            self.latencies.update(self.timed(unknown))
        return [self._judged(arch) for arch in networks]

    def _judged(self, arch: Arch) -> Candidate:
        """By its measured latency, if it was timed. Draws go by predictions, so that a replay draws the same."""
        accuracy, costs, timed = self.memo[arch], self.costs_of(arch), arch in self.latencies
        if timed:
            costs[LATENCY] = self.latencies[arch]
        score, allowed = self.objective.score(accuracy, costs), self.objective.allows(costs)
        return Candidate(arch, accuracy, costs, score, allowed, timed=timed)


Strategy = Callable[[Problem, Random], Iterator[Candidate]]


def best(candidates: Iterable[Candidate]) -> Candidate:
    """The feasible candidate with the highest score; if none is feasible, the least infeasible one."""
    return max(candidates, key=lambda candidate: (candidate.feasible, candidate.score))


def front(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The candidates that no other dominates in accuracy and all costs, by ascending first cost; equal ones once."""
    found = list(candidates)
    if not found:
        return []
    kept = nondominated(np.array([c.accuracy for c in found]), np.array([[*c.costs.values()] for c in found]))
    return [found[index] for index in kept]
