"""MSuNAS, the surrogate search of NSGANetV2 (Lu et al. 2020): accuracy is learned from the candidates so far.

The latency is exact. NSGA-II works on the model, and only what it finds promising is evaluated. Unlike the paper's, the
model learns the accuracy's rank, so that a few failed networks do not take up the scale.

Where one network is wanted, not a front, its own model learns the score's rank, also from the latency, and those with
the largest expected improvement are evaluated (Jones et al. 1998). A small space is looked through as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice, product
from random import Random

import moocore
import numpy as np
from scipy.linalg import cho_solve
from scipy.stats import kendalltau, norm, rankdata
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF

from predictors.learned import one_hot
from search_spaces.space import Arch
from strategies import gaussian_process
from strategies.gaussian_process import Process
from strategies.nsga2 import BEYOND, Costs, evolve
from strategies.objective import Pareto
from strategies.problem import Candidate, Problem

LENGTHS = (0.4, 0.6, 0.8, 1.2, 2.0, 4.0)  # of the kernel, in roots of the number of layers
NOISES = (1e-3, 1e-1)  # variance, as a share of that of the ranks' normal scores
POPULATION, GENERATIONS, CROSSOVER = 40, 20, 0.5  # of NSGA-II on the model
SMALL = 20_000  # tuples of picks: the model is asked about all
DRAWS = 50  # at most, for each random architecture, until it is feasible


def surrogate(problem: Problem, rng: Random, initial: int = 20, batch: int = 8) -> Iterator[Candidate]:
    """Algorithm 1: random architectures first; then fit, search on the model, evaluate a batch, again and again."""
    found: dict[Arch, Candidate] = {}
    model: Process | None = None
    archs = drawn(problem, initial, rng)
    pool = None if isinstance(problem.objective, Pareto) else feasible(problem)
    while True:
        new = problem.evaluate_all(archs)
        yield from new
        found |= {candidate.arch: candidate for candidate in new}
        if pool is None:
            archs = promising(problem, found, batch, rng)
        else:
            archs, model = improving(problem, found, batch, rng, pool, model)
        archs = archs or [problem.space.sample(rng) for _ in range(batch)]


def drawn(problem: Problem, count: int, rng: Random) -> list[Arch]:
    """Random feasible architectures; where many draws hold too few, the fastest others beside them."""
    fitting: list[Arch] = []
    others: list[Arch] = []
    while len(fitting) < count and len(fitting) + len(others) < DRAWS * count:
        arch = problem.space.sample(rng)
        (fitting if problem.objective.feasible(problem.latency(arch)) else others).append(arch)
    return fitting + sorted(others, key=problem.latency)[: count - len(fitting)]


def feasible(problem: Problem) -> np.ndarray:
    """[n, layers]: all of a small space; none of a larger one."""
    space, fits = problem.space, problem.objective.feasible
    archs = product(*map(range, space.options)) if space.size <= SMALL else ()
    kept = [arch for arch in archs if space.valid(arch) and fits(problem.latency(arch))]
    return np.array(kept, int).reshape(-1, len(space.options))


def improving(
    problem: Problem, found: dict[Arch, Candidate], count: int, rng: Random, pool: np.ndarray, before: Process | None
) -> tuple[list[Arch], Process]:
    """Unknown feasible architectures by their expected improvement on the best score, and the model that expects it.

    They are from the `pool`, or from evolution on the model where there is none. `before`: the model of fewer.
    """
    known, options = np.array(list(found)), problem.space.options
    scores = normal_scores(np.array([candidate.score for candidate in found.values()]))
    times = np.log([candidate.latency for candidate in found.values()])
    middle, scale = times.mean(), times.std() or 1.0

    def features(picks: np.ndarray, times: np.ndarray) -> np.ndarray:
        return np.column_stack([one_hot(picks, options), (times - middle) / scale])

    model = gaussian_process.fitted(features(known, times), scores, len(options), before)
    gains: dict[Arch, float] = {}

    def costs(picks: np.ndarray) -> np.ndarray:
        archs = [tuple(arch) for arch in picks.tolist()]
        seconds = np.array([problem.latency(arch) for arch in archs])
        gain = improvement(*model.predict(features(picks, np.log(seconds))), scores.max())
        fits = [problem.objective.feasible(s) for s in seconds.tolist()]
        gains.update((arch, g) for arch, g, within in zip(archs, gain.tolist(), fits) if within)
        return np.where(fits, -gain, BEYOND + seconds)[:, None].repeat(2, axis=1)

    if len(pool):
        costs(pool)
    else:
        explore(problem, found, costs, rng)
    return sorted(gains.keys() - found.keys(), key=lambda arch: (-gains[arch], arch))[:count], model


def improvement(means: np.ndarray, deviations: np.ndarray, best: float) -> np.ndarray:
    """What normal values [n] are expected to exceed `best` by, 0 where they do not (Jones et al., eq. 15)."""
    z = (means - best) / deviations
    return deviations * (z * norm.cdf(z) + norm.pdf(z))


def explore(problem: Problem, found: dict[Arch, Candidate], costs: Costs, rng: Random) -> None:
    """NSGA-II on the model, from the best half and random architectures; `costs` keeps what it is asked."""
    best = sorted(found.values(), key=lambda c: (c.feasible, c.score), reverse=True)[: POPULATION // 2]
    first = [c.arch for c in best] + [problem.space.sample(rng) for _ in range(POPULATION - len(best))]
    draws = np.random.default_rng(rng.getrandbits(64))
    list(islice(evolve(problem.space, costs, draws, np.array(first), CROSSOVER), GENERATIONS))


def promising(problem: Problem, found: dict[Arch, Candidate], count: int, rng: Random) -> list[Arch]:
    """Unknown architectures, by the model: half of them by the objective's score, the others spread along the front."""
    options, objective = problem.space.options, problem.objective
    picks, accuracies = np.array(list(found)), np.array([candidate.accuracy for candidate in found.values()])
    ranks = normal_scores(accuracies)
    model = fitted(one_hot(picks, options), ranks)
    points: dict[Arch, list[float]] = {}

    def costs(picks: np.ndarray) -> np.ndarray:
        archs = [tuple(arch) for arch in picks.tolist()]
        predicted = zip(model.predict(one_hot(picks, options)).tolist(), map(problem.latency, archs))
        rows = [[-rank, s] if objective.feasible(s) else [BEYOND + s] * 2 for rank, s in predicted]
        points.update(zip(archs, rows))
        return np.array(rows)

    def worth(arch: Arch) -> tuple[float, float]:
        rank = -points[arch][0]
        accuracy = float(np.interp(rank, np.sort(ranks), np.sort(accuracies)))
        return objective.score(accuracy, problem.latency(arch)), rank

    explore(problem, found, costs, rng)
    unknown = {arch: point for arch, point in points.items() if arch not in found}
    leading = sorted(unknown, key=worth, reverse=True)[: count // 2]
    return list(dict.fromkeys(leading + spread(unknown, count - len(leading))))


def spread(points: dict[Arch, list[float]], count: int) -> list[Arch]:
    """Up to `count` of the non-dominated ones, evenly along their front from the fastest to the slowest."""
    if not points:
        return []
    archs, costs = list(points), np.array(list(points.values()))
    front = np.flatnonzero(moocore.is_nondominated(costs))
    front = front[np.argsort(costs[front, 1])]
    return [archs[front[i]] for i in np.linspace(0, len(front) - 1, count).round().astype(int)]


def normal_scores(values: np.ndarray) -> np.ndarray:
    """The normal distribution's quantiles at the values' ranks (van der Waerden 1952)."""
    return norm.ppf((rankdata(values) - 0.5) / len(values))


def fitted(features: np.ndarray, targets: np.ndarray) -> GaussianProcessRegressor:
    """Of Gaussian processes the one whose leave-one-out predictions rank best: section 3.2's adaptive switching.

    On one-hot features [n, options] their kernel falls with the number of layers that differ.
    """

    def tau(model: GaussianProcessRegressor) -> float:
        inverse = cho_solve((model.L_, True), np.eye(len(targets)))
        left_out = model.y_train_ - model.alpha_ / inverse.diagonal()  # Rasmussen & Williams 2006, eq. 5.12
        return float(np.nan_to_num(kendalltau(left_out, targets).statistic))

    kernels = [RBF(length * features[0].sum() ** 0.5) for length in LENGTHS]
    process = partial(GaussianProcessRegressor, optimizer=None, normalize_y=True)
    return max((process(k, alpha=noise).fit(features, targets) for k in kernels for noise in NOISES), key=tau)
