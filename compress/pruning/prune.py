"""Structured pruning: every layer of a prunable kind, such as MBConv and the head, keeps its most important units.

A unit is a hidden channel, or what the kind's `prunable` names; `units` knows what belongs to it.

Importance (`importance`), widths, selection (`strongest`) and the narrower network (`narrow`) are separate.
`experiments.stages.pruning` chooses the widths from a search space of their own, `width_space`: kept importance adds up
over layers like latency, so the widths that lose least within a latency are found exactly. `uniform_widths` and
`global_widths` are baselines that ignore the device.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from compress.pruning.importance import batch_norm_scale
from compress.pruning.units import prunable, tied, units
from compress.pruning.widths import hidden_widths, with_units
from search_spaces.errors import LutraError
from search_spaces.layers import Spec
from search_spaces.networks.network import Layer, Network, device_of
from search_spaces.space import Arch, SearchSpace


def prune_uniformly(network: Network, keep: float) -> Network:
    """The simplest rule, without a device: a copy that keeps the fraction `keep` of each layer's hidden channels.

    The channels with the largest variance are kept. Running statistics are copied unchanged: `calibrate` the result, or
    finetune it first. The chain's rules are in `experiments.stages.pruning`.
    """
    return narrow(network, strongest(batch_norm_scale(network), uniform_widths(network.specs, keep)))


def widths_of(space: SearchSpace, arch: Arch) -> dict[int, int]:
    """The widths of an architecture in a `width_space`, as `strongest` takes them: 0 for a removed block."""
    widths = hidden_widths(space.decode(arch))
    return {layer: widths.get(layer, 0) for layer in hidden_widths(space.decode(space.reference))}


def uniform_widths(specs: Sequence[Spec], keep: float) -> dict[int, int]:
    """Hidden channels by layer: the fraction `keep`, rounded up to a multiple of 8, at most all."""
    check_keep(keep)
    return {layer: _rounded(round(keep * hidden), specs[layer]) for layer, hidden in hidden_widths(specs).items()}


def global_widths(importances: Mapping[int, Tensor], specs: Sequence[Spec], keep: float) -> dict[int, int]:
    """Hidden channels by layer, keeping the most important fraction `keep` of all layers' channels.

    One threshold for the whole network (Liu et al. 2017, Molchanov et al. 2019); ties are kept in the first layers.
    Each layer is rounded up to a multiple of 8, at least 8 and at most all.
    """
    check_keep(keep)
    hidden = hidden_widths(specs)
    if not hidden:
        return {}
    values = torch.cat([importances[layer] for layer in hidden])
    owners = torch.cat([torch.full_like(importances[layer], layer, dtype=torch.long) for layer in hidden])
    kept = owners[values.argsort(descending=True, stable=True)[: round(keep * len(values))]]
    return {layer: _rounded(int((kept == layer).sum()), specs[layer]) for layer in hidden}


def kept_importance(importances: Mapping[int, Tensor], space: SearchSpace, comparable: bool) -> np.ndarray:
    """[layers, options] of a `width_space`: the summed importance of the option's strongest channels.

    0 in layers that are not pruned, NaN where a layer has fewer options. Importances that are not `comparable` between
    layers (all but Taylor's) are divided by their layer's sum.
    """
    kept = np.full((len(space.layers), max(space.options)), np.nan)
    for layer, options in enumerate(space.layers):
        kept[layer, : len(options)] = 0
        if layer in importances:
            values = importances[layer].double().cpu().numpy()
            total = np.cumsum(np.sort(values)[::-1])
            whole = 1.0 if comparable or not total[-1] else total[-1]
            widths = [units(option) for option in options]
            kept[layer, : len(options)] = [total[width - 1] / whole if width else 0 for width in widths]
    return kept


def strongest(importances: Mapping[int, Tensor], widths: Mapping[int, int]) -> dict[int, Tensor]:
    """The `widths[layer]` most important hidden channels of each layer, in ascending order; ties go to the first."""
    order = {layer: importances[layer].argsort(descending=True, stable=True) for layer in widths}
    return {layer: order[layer][:width].sort().values for layer, width in widths.items()}


def check_keep(keep: float) -> None:
    if not 0 < keep <= 1:
        raise LutraError(f"the fraction of channels to keep must be above 0 and at most 1, not {keep}: try 0.75")


def _rounded(count: int, spec: Spec) -> int:
    """Rounds up to the kind's multiple, such as 8; at least one multiple, at most all units of the layer."""
    multiple = prunable(spec).multiple
    return min(units(spec), max(1, -(-count // multiple)) * multiple)


@torch.no_grad()
def narrow(network: Network, kept: Mapping[int, Tensor]) -> Network:
    """The network with only the units `kept[layer]` [width] (ascending) of those layers.

    A residual layer that keeps none is removed, as if its residual branch were 0.
    """
    layers = [layer for layer in range(len(network.specs)) if layer not in kept or len(kept[layer])]
    specs = list(network.specs)
    for layer, chosen in kept.items():
        assert len(chosen) or specs[layer].residual
        specs[layer] = with_units(specs[layer], len(chosen))
    with device_of(network):
        slim = Network([specs[layer] for layer in layers]).train(network.training)
    for target, layer in zip(slim.layers, layers):
        source = network.layers[layer]
        if layer in kept:
            _copy_units(target, source, kept[layer])
        else:
            target.load_state_dict(source.state_dict())
    return slim


def _copy_units(target: Layer, source: Layer, kept: Tensor) -> None:
    """Copies the rows and columns of the kept units of every weight, and the rows of every batch norm and bias."""
    spec, ties = source.spec, tied(source.spec)
    for node in spec.graph.weighted:
        weight, own = source.weighted(node).weight, ties.get(node.name)
        rows = channels_of(kept, units(spec), weight.shape[0]) if own and own.rows else slice(None)
        columns = channels_of(kept, units(spec), weight.shape[1]) if own and own.columns else slice(None)
        state = source.part(node).state_dict()
        cut = {name: value[rows] if value.ndim else value for name, value in state.items()}
        target.part(node).load_state_dict({name: v[:, columns] if v.ndim > 1 else v for name, v in cut.items()})


def channels_of(kept: Tensor, count: int, channels: int) -> Tensor:
    """The channels of the units `kept`; `count` units share `channels` channels equally."""
    span = channels // count
    return (kept[:, None] * span + torch.arange(span, device=kept.device)).flatten()
