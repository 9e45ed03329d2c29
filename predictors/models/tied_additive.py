"""An additive predictor for few networks: assumes that an option costs the same in every layer, unless data disagree.

latency = intercept + sum over layers of effects[layer, chosen option]. There are more effects than networks, so a prior
ties them (a hierarchical linear model, Lindley & Smith 1972): an option's effect in a layer is the sum of a part shared
with nearby layers, whose correlation falls as exp(-distance / reach), and a part of its own. The standard deviations of
the two parts and the reach maximise the evidence (MacKay 1992, "Bayesian interpolation"). The evidence, with a penalty
of log(n) / 2 for each of these parameters (Schwarz 1978), also decides two questions:

* Does an option cost the same in all layers, as in the edges of a cell? Then effects[layer, option] = effects[option].
* Which options cost the same? The two closest are merged while the evidence rises (after "delete or merge
  regressors", Maj-Kańska, Pokarowski & Prochenka 2015). Networks that differ only in merged options are tied.

An option's index must mean the same operation in all layers that have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

# log standard deviations of the shared and of the own part, relative to the noise; log reach, in layers
START = np.array([0.0, -1.0, 1.0])
BOUNDS = ((-6.0, 8.0), (-6.0, 8.0), (-1.0, 5.0))


@dataclass(frozen=True)
class _Model:
    group: np.ndarray  # [options]: the group of each option; merged options share one
    prior: np.ndarray  # as START; only its first number if options cost the same in all layers
    effects: np.ndarray  # [layers, groups], or [1, groups]; in standard deviations of the target
    price: float  # minus log evidence, up to a constant, plus log(n) / 2 for each number of the prior

    @property
    def alike(self) -> bool:
        """Whether all layers are alike."""
        return len(self.prior) == 1


@dataclass(frozen=True)
class TiedAdditive:
    """Predicts the seconds [n] of architectures [n, layers]."""

    model: _Model
    intercept: float  # seconds, as the scale and the errors
    scale: float
    errors: np.ndarray  # of each network learned from: measured minus predicted by a fit to the others, same prior

    def __call__(self, archs: np.ndarray) -> np.ndarray:
        return self.intercept + self.scale * _sums(archs, self.model)

    def features(self, archs: np.ndarray) -> np.ndarray:
        """[n, features]: how often each group of options is chosen if all layers are alike, otherwise where."""
        return _design(archs, self.model.group, self.model.alike).reshape(len(archs), -1)


def tied_additive(archs: np.ndarray, seconds: np.ndarray, options: Sequence[int]) -> TiedAdditive:
    """Fits architectures [n, layers] and their seconds [n]."""
    centre, scale = float(seconds.mean()), float(seconds.std()) or 1.0
    target = (seconds - centre) / scale
    apart = np.arange(max(options))
    model = min((_fit(archs, target, apart, start) for start in (START[:1], START)), key=lambda found: found.price)
    while model.group.max() > 0:
        merged = _fit(archs, target, _merge_closest(model), model.prior)
        if merged.price >= model.price:
            break
        model = merged
    intercept = centre - scale * float(_sums(archs, model).mean())
    return TiedAdditive(model, intercept, scale, scale * _left_out(archs, target, model))


def _left_out(archs: np.ndarray, target: np.ndarray, model: _Model) -> np.ndarray:
    """Leave-one-out errors (Rasmussen & Williams 2006, eq. 5.12), with the intercept fitted too."""
    design = _design(archs, model.group, model.alike)
    design = design - design.mean(0)
    kernel = np.einsum("nlg,lk,mkg->nm", design, _covariance(model.prior, design.shape[1]), design, optimize=True)
    inverse = cho_solve(cho_factor(kernel + np.eye(len(kernel)), lower=True), np.eye(len(kernel)))
    ones = inverse.sum(1)
    inverse -= np.outer(ones, ones) / ones.sum()
    return (inverse @ target) / np.diag(inverse)


def _design(archs: np.ndarray, group: np.ndarray, alike: bool) -> np.ndarray:
    """[n, layers, groups]: whether a layer chooses an option of the group; `alike`: summed over layers."""
    picked = (group[archs][:, :, None] == np.arange(group.max() + 1)).astype(float)
    return picked.sum(1, keepdims=True) if alike else picked


def _sums(archs: np.ndarray, model: _Model) -> np.ndarray:
    return (_design(archs, model.group, model.alike) * model.effects).sum((1, 2))


def _merge_closest(model: _Model) -> np.ndarray:
    """The groups after merging the two whose effects differ least."""
    distance = ((model.effects[:, :, None] - model.effects[:, None, :]) ** 2).sum(0)
    np.fill_diagonal(distance, np.inf)
    kept, gone = sorted(np.unravel_index(distance.argmin(), distance.shape))
    merged = np.where(model.group == gone, kept, model.group)
    return merged - (merged > gone)


def _fit(archs: np.ndarray, target: np.ndarray, group: np.ndarray, start: np.ndarray) -> _Model:
    """Maximises the evidence over the prior, from `start`; returns it with the posterior mean of the effects."""
    design = _design(archs, group, len(start) == 1)
    count, layers, groups = design.shape
    design = (design - design.mean(0)).reshape(count, -1)  # centred like the target, so the intercept is free
    gram, moment, power = design.T @ design, design.T @ target, target @ target

    def factors(prior: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, bool]]:
        """For effects = root z, z standard normal: the root over layers; z's precision times mean; its precision."""
        root = np.linalg.cholesky(_covariance(prior, layers))

        def turned(rows: np.ndarray) -> np.ndarray:
            return (root.T @ rows.reshape(layers, -1)).reshape(layers * groups, -1)

        precision = np.eye(layers * groups) + turned(turned(gram).T)
        return root, turned(moment)[:, 0], cho_factor(precision, lower=True)

    def evidence(prior: np.ndarray) -> float:
        """Minus the log evidence, with the noise that maximises it (MacKay 1992, section 4)."""
        _, mean, precision = factors(prior)
        rest = power - mean @ cho_solve(precision, mean)
        return 0.5 * (count - 1) * np.log(max(rest, 1e-300) / count) + np.log(np.diag(precision[0])).sum()

    found = minimize(evidence, start, method="L-BFGS-B", bounds=BOUNDS[: len(start)])
    root, mean, precision = factors(found.x)
    effects = root @ cho_solve(precision, mean).reshape(layers, groups)
    return _Model(group, found.x, effects, found.fun + 0.5 * len(start) * np.log(count))


def _covariance(prior: np.ndarray, layers: int) -> np.ndarray:
    """The covariance of one option's effects between layers [layers, layers], in units of the noise variance."""
    if len(prior) == 1:
        return np.exp(2 * prior[:1, None])
    shared, own, reach = np.exp(prior)
    distance = np.abs(np.subtract.outer(np.arange(layers), np.arange(layers)))
    return shared**2 * np.exp(-distance / reach) + own**2 * np.eye(layers)
