"""An additive predictor for few networks: an option costs the same in every layer, unless the networks say otherwise.

latency = intercept + sum over layers of effects[layer, picked option]. There are more effects than networks, so a prior
ties them (a hierarchical linear model, Lindley & Smith 1972): an option's effect in a layer is one part that fades into
that of the layers around, with correlation exp(-distance / reach), plus one of its own. The two parts' deviations and
the reach are those of the highest evidence (MacKay 1992, "Bayesian interpolation"). Evidence also answers, with a price
of log(n) / 2 for each such number (Schwarz 1978):

* Are all layers alike, as the edges of a cell are? Then effects[layer, option] = effects[option].
* Which options cost the same? The two closest are merged for as long as the evidence rises (after the "delete or merge
  regressors" of Maj-Kańska, Pokarowski & Prochenka 2015). Networks that differ in nothing else are then tied.

Options of the same index must be the same operation in all layers that have them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

# log deviations of the shared and of the layer's own part, in deviations of the noise; log reach, in layers
START = np.array([0.0, -1.0, 1.0])
BOUNDS = ((-6.0, 8.0), (-6.0, 8.0), (-1.0, 5.0))


@dataclass(frozen=True)
class _Model:
    group: np.ndarray  # [options]: which options are one
    prior: np.ndarray  # as START; its first number alone where all layers are alike
    effects: np.ndarray  # [layers, groups], or [1, groups]; in deviations of the target
    price: float  # minus log evidence, up to a constant, plus log(n) / 2 for each number of the prior


def tied_additive(archs: np.ndarray, seconds: np.ndarray, options: Sequence[int]) -> Callable[[np.ndarray], np.ndarray]:
    """Learns from architectures [n, layers] and their seconds [n]; the answer predicts seconds of others."""
    centre, scale = seconds.mean(), seconds.std() or 1.0
    target = (seconds - centre) / scale
    apart = np.arange(max(options))
    model = min((_fit(archs, target, apart, start) for start in (START[:1], START)), key=lambda found: found.price)
    while model.group.max() > 0:
        merged = _fit(archs, target, _merge_closest(model), model.prior)
        if merged.price >= model.price:
            break
        model = merged
    centre -= scale * _sums(archs, model).mean()
    return lambda others: centre + scale * _sums(others, model)


def _design(archs: np.ndarray, group: np.ndarray, alike: bool) -> np.ndarray:
    """[n, layers, groups]: whether a layer picks an option of a group; summed over layers where they are alike."""
    picked = (group[archs][:, :, None] == np.arange(group.max() + 1)).astype(float)
    return picked.sum(1, keepdims=True) if alike else picked


def _sums(archs: np.ndarray, model: _Model) -> np.ndarray:
    return (_design(archs, model.group, len(model.prior) == 1) * model.effects).sum((1, 2))


def _merge_closest(model: _Model) -> np.ndarray:
    """The groups, after the two whose effects differ least have become one."""
    distance = ((model.effects[:, :, None] - model.effects[:, None, :]) ** 2).sum(0)
    np.fill_diagonal(distance, np.inf)
    kept, gone = sorted(np.unravel_index(distance.argmin(), distance.shape))
    merged = np.where(model.group == gone, kept, model.group)
    return merged - (merged > gone)


def _fit(archs: np.ndarray, target: np.ndarray, group: np.ndarray, start: np.ndarray) -> _Model:
    """The prior of the highest evidence, sought from `start`, and the effects' posterior mean under it."""
    design = _design(archs, group, len(start) == 1)
    count, layers, groups = design.shape
    design = (design - design.mean(0)).reshape(count, -1)  # centred, as the target is: the intercept is free
    gram, moment, power = design.T @ design, design.T @ target, target @ target

    def factors(prior: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, bool]]:
        """For effects = root z, z standard normal: the root over layers; z's precision times mean; its precision."""
        root = np.linalg.cholesky(_covariance(prior, layers))

        def turned(rows: np.ndarray) -> np.ndarray:
            return (root.T @ rows.reshape(layers, -1)).reshape(layers * groups, -1)

        precision = np.eye(layers * groups) + turned(turned(gram).T)
        return root, turned(moment)[:, 0], cho_factor(precision, lower=True)

    def evidence(prior: np.ndarray) -> float:
        """Minus the log evidence, at the noise that maximises it (MacKay 1992, section 4)."""
        _, mean, precision = factors(prior)
        rest = power - mean @ cho_solve(precision, mean)
        return 0.5 * (count - 1) * np.log(max(rest, 1e-300) / count) + np.log(np.diag(precision[0])).sum()

    found = minimize(evidence, start, method="L-BFGS-B", bounds=BOUNDS[: len(start)])
    root, mean, precision = factors(found.x)
    effects = root @ cho_solve(precision, mean).reshape(layers, groups)
    return _Model(group, found.x, effects, found.fun + 0.5 * len(start) * np.log(count))


def _covariance(prior: np.ndarray, layers: int) -> np.ndarray:
    """Of one option's effects in the layers [layers, layers], in variances of the noise."""
    if len(prior) == 1:
        return np.exp(2 * prior[:1, None])
    shared, own, reach = np.exp(prior)
    distance = np.abs(np.subtract.outer(np.arange(layers), np.arange(layers)))
    return shared**2 * np.exp(-distance / reach) + own**2 * np.eye(layers)
