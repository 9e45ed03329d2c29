"""Pruning in rounds: after each round, importances are estimated again in what is left (Molchanov et al. 2019).

A unit's importance depends on the other units: of two that do the same, either can be removed, but not both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from compress.pruning.importance import Importances
from compress.pruning.prune import narrow, strongest
from compress.pruning.widths import hidden_widths
from search_spaces.networks.network import Network

Estimate = Callable[[Network], Importances]
Widths = Callable[[Importances, float], Mapping[int, int]]  # importances, part of all cuts -> units to keep by layer


def in_rounds(
    network: Network, estimate: Estimate, widths: Widths, rounds: int, settled: Callable[[Network], Network]
) -> Network:
    """The network after this number of rounds, each of which makes an equal part of all cuts.

    `settled` is applied to what is left before its importances are estimated, for example `calibrate`.
    """
    kept: dict[int, Tensor] = {}
    left = network
    for count in range(1, rounds + 1):
        importances = in_whole(estimate(left), network, kept)
        kept = strongest(importances, widths(importances, count / rounds))
        left = narrow(network, kept)
        if count < rounds:
            left = settled(left)
    return left


def in_whole(importances: Importances, network: Network, kept: Mapping[int, Tensor]) -> Importances:
    """Importances by the units of the whole `network`, from those of what is left of it; 0 for what was cut.

    `kept`: the units that are left of the layers that were cut; a layer without any was removed.
    """
    layers = [layer for layer in range(len(network.specs)) if layer not in kept or len(kept[layer])]
    found = {}
    for layer, count in hidden_widths(network.specs).items():
        if layer not in kept:
            found[layer] = importances[layers.index(layer)]
            continue
        found[layer] = torch.zeros(count, device=kept[layer].device)
        if len(kept[layer]):
            values = importances[layers.index(layer)]
            found[layer] = found[layer].to(values).index_copy(0, kept[layer], values)
    return found
