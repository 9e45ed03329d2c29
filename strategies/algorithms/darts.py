"""DARTS, first order (Liu et al. 2019), on entangled weights (Sukthanker et al. 2024): one softmax per layer.

DARTS tends to end with all Skips (Zela et al. 2020, "Understanding and Robustifying Differentiable Architecture
Search"). Two things prevent that here. With probabilities p, a skippable layer computes x + (1 - p[Skip]) * f(x): every
option has the residual path, which builds in the auxiliary skip connection of DARTS- (Chu et al. 2021), so Skip gets no
credit for preserving the gradient. And because the layer is f(x) with the summed probability of all other options, Skip
is chosen if it outweighs their sum, not if it is the largest of five nearly equal ones.

Choosing one option per layer costs accuracy, which Zela et al. found to be related to sharp minima. Every candidate
therefore includes its mixture's accuracy, measured with the same weights and images: the difference is the cost of
discretization. (The mixture's batch norms use each batch's own statistics, because they cannot be calibrated.) This is
a diagnosis, not part of the algorithm, so a search whose seconds are compared omits it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from random import Random
from typing import Annotated, Any

import torch
from torch import Tensor

from search_spaces.errors import LutraError
from search_spaces.ranges import Range
from search_spaces.space import Arch
from strategies.problems.problem import Candidate, Problem

TRIES = 50  # draws, each with a temperature 10 % higher than the last


def darts(
    problem: Problem,
    rng: Random,
    every: Annotated[int, Range(1, 1_000_000)] = 10,  # training steps between two candidates
    rate: Annotated[float, Range(0, 100, above=True)] = 0.05,  # learning rate of alpha
) -> Iterator[Candidate]:
    """Algorithm 1 with xi = 0: alternates weight steps and alpha steps; yields one candidate every `every` steps.

    Alpha is trained by Adam at `rate`. Images used for alpha never train weights (eq. 3 and 4). A candidate is the
    mode, or a draw from the softmax if the mode was already yielded or is infeasible. Raises LutraError if the problem
    has nothing to train.

    Compare it with other strategies by seconds: alpha is trained on the images that evaluate candidates, a cost that
    the number of evaluations does not include.
    """
    if problem.relax is None:
        raise LutraError(f"darts needs weights to train, but {problem.space.name} has none: use another strategy")
    relaxation = problem.relax(rng.getrandbits(16))
    alphas = [torch.zeros(options, requires_grad=True) for options in problem.space.options]
    adam = torch.optim.Adam(alphas, rate, betas=(0.5, 0.999))
    yielded: set[Arch] = set()
    for step in count(1):
        relaxation.train(softmax(alphas, 1.0))
        mixture = [alpha.softmax(0) for alpha in alphas]
        loss = problem.objective.loss(relaxation.loss(mixture), relaxation.costs(mixture))
        adam.zero_grad()
        loss.backward(inputs=alphas)
        adam.step()
        if step % every == 0:
            arch = discretise(problem, alphas, yielded, rng)
            yielded.add(arch)
            candidate = problem.evaluate(arch)
            if problem.diagnose:
                candidate = replace(candidate, mixture=relaxation.accuracy(softmax(alphas, 1.0)))
            yield candidate


def softmax(alphas: list[Tensor], temperature: float) -> list[Tensor]:
    return [(alpha.detach() / temperature).softmax(0) for alpha in alphas]


def discretise(problem: Problem, alphas: list[Tensor], known: set[Arch], rng: Random) -> Arch:
    """The mode; if it is known or infeasible, draws at a rising temperature; finally, any feasible architecture."""
    space, arch = problem.space, tuple(map(mode, problem.space.choices, softmax(alphas, 1.0)))
    for trial in range(TRIES):
        arch = space.canonical(arch)
        if arch not in known and problem.feasible(arch):
            return arch
        mixture = softmax(alphas, 1.1**trial)
        arch = tuple(rng.choices(range(len(p)), p.tolist())[0] for p in mixture)
    return problem.sample(rng)


def mode(options: Sequence[Any], probabilities: Tensor) -> int:
    """The most probable option of the most probable kind, as the supernet mixes weights within a kind, then kinds."""
    kinds = [type(option) for option in options]
    weights = {kind: sum(p for k, p in zip(kinds, probabilities.tolist()) if k is kind) for kind in kinds}
    heaviest = max(weights, key=weights.__getitem__)
    return max((i for i, kind in enumerate(kinds) if kind is heaviest), key=probabilities.tolist().__getitem__)
