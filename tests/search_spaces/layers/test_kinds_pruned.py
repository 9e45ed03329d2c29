"""Tests structured pruning of every kind of layer."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from compress.files.parity import file_logits
from compress.pruning.depgraph import prune_groups, size
from compress.pruning.importance import batch_norm_scale, l1, taylor
from compress.pruning.prune import narrow, prune_uniformly, strongest, uniform_widths
from compress.pruning.units import units
from compress.pruning.widths import hidden_widths, width_space
from search_spaces.costs import parameters
from search_spaces.layers import Spec
from search_spaces.networks.evaluation import predict
from search_spaces.networks.onnx_writer import write
from tests.search_spaces.layers.examples import CLASSES, COMPUTING, every_kind, images, trained

PRUNABLE = [spec for spec in COMPUTING if spec.prunable]
every_prunable = pytest.mark.parametrize("spec", PRUNABLE, ids=str)


@every_prunable
def test_a_pruned_network_is_one_of_narrower_specs(spec: Spec) -> None:
    network = trained(spec)
    pruned = prune_uniformly(network, 0.5)
    widths = uniform_widths(network.specs, 0.5)
    assert widths[1] == units(spec) // 2
    for layer in hidden_widths(network.specs):
        field = network.specs[layer].prunable.field  # type: ignore[union-attr]
        assert pruned.specs[layer] == dataclasses.replace(network.specs[layer], **{field: widths[layer]})
    assert sum(p.numel() for p in pruned.parameters()) == parameters(pruned.specs) < parameters(network.specs)
    ours, model = predict(pruned, images(spec)).numpy(), write(pruned.specs, pruned.folded())
    assert np.abs(file_logits(model, images(spec).numpy()) - ours).max() <= 1e-4 * max(1, np.abs(ours).max())
    assert pruned.specs[1] in width_space(network.specs).layers[1]


@every_prunable
def test_units_whose_gate_is_closed_can_go(spec: Spec) -> None:
    network, count = trained(spec), units(spec)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(0))
    gone, stay = order[: count // 2], order[count // 2 :].sort().values
    norm = network.layers[1].conv(spec.prunable.gate).norm  # type: ignore[union-attr]
    for vector in (norm.weight.data, norm.bias.data):
        vector.view(count, -1)[gone] = 0
    for values in (batch_norm_scale(network), taylor(network, [(images(spec), torch.arange(8) % CLASSES)])):
        assert not values[1][gone].any()
        assert values[1][stay].all()
        assert strongest(values, {1: len(stay)})[1].tolist() == stay.tolist()
    assert len(l1(network)[1]) == count
    torch.testing.assert_close(
        predict(narrow(network, {1: stay}), images(spec)), predict(network, images(spec)), rtol=1e-4, atol=1e-5
    )


@every_kind
def test_torch_pruning_can_prune_a_network_with_it(spec: Spec) -> None:
    network = trained(spec)
    slim = prune_groups(network, (3, spec.resolution, spec.resolution), 0.5)
    assert size(slim, (3, spec.resolution, spec.resolution)).parameters < parameters(network.specs)
    assert predict(slim, images(spec)).shape == (8, CLASSES)
