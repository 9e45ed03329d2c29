"""DARTS, first order (Liu et al. 2019), on entangled weights (Sukthanker et al. 2024): one softmax over options a layer.

Skip does not win by default here: with probabilities p an MBConv layer that may be skipped computes
x + (1 - p[Skip]) * f(x), so that every option has the residual path, which is the auxiliary skip connection of
DARTS- (Chu et al. 2021) built in: Skip gets no credit for keeping the gradient alive.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from random import Random

import torch
from torch import Tensor

from search_spaces.errors import LutraError
from search_spaces.space import Arch
from strategies.problem import Candidate, Problem

TRIES = 50  # draws, each a tenth hotter than the last, before an architecture is repeated


def darts(problem: Problem, rng: Random, every: int = 10, rate: float = 0.05) -> Iterator[Candidate]:
    """Algorithm 1 with xi = 0: a step of the weights, a step of alpha by Adam; every so many steps a candidate.

    That is the argmax, or where it was yielded before, a draw from the softmax. Raises LutraError where the problem
    has nothing to train.
    """
    if problem.relax is None:
        raise LutraError(f"darts needs weights to train and {problem.space.name} has none. Take another strategy")
    relaxation = problem.relax(rng.getrandbits(16))
    alphas = [torch.zeros(options, requires_grad=True) for options in problem.space.options]
    adam = torch.optim.Adam(alphas, rate, betas=(0.5, 0.999))
    yielded: set[Arch] = set()
    for step in count(1):
        relaxation.train(softmax(alphas, 1.0))
        mixture = [alpha.softmax(0) for alpha in alphas]
        loss = problem.objective.loss(relaxation.loss(mixture), relaxation.latency(mixture))
        adam.zero_grad()
        loss.backward(inputs=alphas)
        adam.step()
        if step % every == 0:
            arch = discretise(problem, alphas, yielded, rng)
            yielded.add(arch)
            yield problem.evaluate(arch)


def softmax(alphas: list[Tensor], temperature: float) -> list[Tensor]:
    return [(alpha.detach() / temperature).softmax(0) for alpha in alphas]


def discretise(problem: Problem, alphas: list[Tensor], known: set[Arch], rng: Random) -> Arch:
    """The argmax, or a draw where that is known."""
    arch = tuple(int(alpha.argmax()) for alpha in alphas)
    for trial in range(TRIES):
        if arch not in known and problem.space.valid(arch):
            break
        mixture = softmax(alphas, 1.1**trial)
        arch = tuple(rng.choices(range(len(p)), p.tolist())[0] for p in mixture)
    return arch
