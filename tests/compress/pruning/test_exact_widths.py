"""Tests the widths that lose least importance within a latency."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from compress.pruning.prune import kept_importance, narrow, strongest, widths_of
from compress.pruning.widths import width_space
from predictors.models.layer_costs import AdditiveCost
from search_spaces.layers import MBConv, Skip
from search_spaces.networks.network import Network
from strategies.quality.exact import exact_front
from tests.compress.pruning.importances import MEASURES


@pytest.mark.parametrize("comparable", [False, True])
@pytest.mark.parametrize("name", MEASURES)
def test_kept_importance_is_that_of_the_strongest(name: str, comparable: bool, network: Network) -> None:
    space, values = width_space(network.specs, 5), MEASURES[name](network)
    kept = kept_importance(values, space, comparable)
    assert kept.shape == (len(space.layers), 6)
    assert np.isnan(kept).sum(1).tolist() == [6 - count for count in space.options]
    for layer, options in enumerate(space.layers):
        row = kept[layer, : len(options)]
        assert (np.diff(row) <= 0).all()
        if layer not in values:
            assert row.tolist() == [0]
            continue
        whole = 1 if comparable else values[layer].sum().item()
        assert row[0] == pytest.approx(values[layer].sum().item() / whole)
        for option, share in zip(options, row):
            width = getattr(option, "hidden_channels", 0)
            channels = strongest(values, {layer: width})[layer]
            assert share == pytest.approx(values[layer][channels].sum().item() / whole, rel=1e-4)


def test_layers_without_importance_lose_nothing() -> None:
    space = width_space((MBConv(8, 24, 8, 3, 1, 8),))
    assert kept_importance({0: torch.zeros(24)}, space, comparable=False).tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize("name", MEASURES)
def test_the_exact_widths_are_those_of_brute_force(name: str, network: Network) -> None:
    """Within any latency, no network of the space keeps more importance than the exact front's network does."""
    space = width_space(network.specs, 4)
    kept = kept_importance(MEASURES[name](network), space, comparable=name == "taylor")
    seconds = np.where(np.isnan(kept), np.nan, np.random.default_rng(0).uniform(1, 2, kept.shape))
    latency = AdditiveCost(seconds)
    front = exact_front(kept, {"latency": latency})
    archs = np.array(list(itertools.product(*map(range, space.options))))
    importance = kept[np.arange(archs.shape[1]), archs].sum(1)
    times = latency.of(archs)
    for target in np.quantile(times, [0, 0.01, 0.1, 0.5, 1]):
        best = importance[times <= target].max()
        assert front.scores[front.costs["latency"] <= target][-1] == pytest.approx(best)
    arch = tuple(front.archs[len(front.archs) // 2].tolist())
    chosen = space.decode(arch)
    pruned = narrow(network, strongest(MEASURES[name](network), widths_of(space, arch)))
    assert pruned.specs == tuple(spec for spec in chosen if not isinstance(spec, Skip))
