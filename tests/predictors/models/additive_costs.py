"""Architectures of layers with different numbers of options, and additive latencies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from experiments.comparison.published_latencies import Measurements

OPTIONS = (3, 4, 4, 2, 4, 4)  # not all layers have the same options


def draw(count: int, seed: int, options: tuple[int, ...] = OPTIONS) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, options, (count, len(options)))


def costs_of_layers(seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a function of architectures that gives additive latencies [n] in seconds, different for every layer."""
    table = np.random.default_rng(seed).uniform(1e-4, 1e-3, (len(OPTIONS), max(OPTIONS)))
    return lambda archs: 2e-3 + table[np.arange(len(OPTIONS)), archs].sum(1)


def published(count: int = 90) -> Measurements:
    archs = np.unique(draw(3 * count, 0), axis=0)[:count]
    return Measurements(archs, costs_of_layers(0)(archs), OPTIONS)
