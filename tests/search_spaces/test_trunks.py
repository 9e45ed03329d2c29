"""Tests trunks: options of the first layer that decide the shapes of all later ones."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from paper.figures import heatmap
from paper.rows import Block
from predictors import costs
from predictors.models.layer_costs import AdditiveCost, LargestCost, LayerCost
from predictors.tables.correction import Correction
from predictors.tables.table import LatencyTable
from predictors.timing.blocks import all_specs, block_specs
from predictors.timing.values import Value
from predictors.timing.verdict import Verdict
from search_spaces.costs import macs, peak_activations, weight_bytes
from search_spaces.errors import LutraError
from search_spaces.space import SearchSpace
from search_spaces.spaces.edge import edge
from search_spaces.spaces.tiny import tiny
from strategies.quality.exact import exact_front
from strategies.quality.pareto import nondominated
from tests.search_spaces.few_trunks import SPACE, archs


def test_networks_of_a_trunk_are_those_of_a_space_without() -> None:
    """Each trunk alone is a plain space with the same networks."""
    for trunk in range(SPACE.trunks):
        layers = tuple(options[part] for options, part in zip(SPACE.layers, SPACE.within(trunk)))
        plain = SearchSpace("one", layers, (0, *SPACE.reference[1:]))
        assert plain.trunks == 1
        for arch in archs():
            assert plain.decode((0, *arch[1:])) == SPACE.decode((trunk, *arch[1:]))
    assert SPACE.size == SPACE.trunks * plain.size
    assert tiny(1, 16, 10).place(tiny(1, 16, 10).reference) == tiny(1, 16, 10).reference


def test_trunks_offer_the_same_kinds() -> None:
    layers = (*SPACE.layers[:1], SPACE.layers[1][1:], *SPACE.layers[2:])
    with pytest.raises(LutraError, match="layer 1 must offer the same kinds"):
        SearchSpace("uneven", layers, SPACE.reference)


def test_costs_are_those_of_the_network() -> None:
    """Sums and maxima over layers, and their expectations, hold under every trunk."""
    found = {"size": costs.of_options(SPACE, lambda spec: weight_bytes([spec], "int8"))}
    size = AdditiveCost(found["size"], trunks=SPACE.trunks)
    memory = LargestCost(costs.of_options(SPACE, lambda spec: peak_activations([spec])), trunks=SPACE.trunks)
    some = archs()
    assert size.of(np.array(some)).tolist() == [weight_bytes(SPACE.decode(arch), "int8") for arch in some]
    assert memory.of(np.array(some)).tolist() == [peak_activations(SPACE.decode(arch)) for arch in some]
    every = np.array(SPACE.networks)
    for cost in (size, memory):
        assert cost(cost.lowest) == cost.of(every).min()
        assert cost(cost.highest) == cost.of(every).max()
        for arch in some:
            one_hots = [F.one_hot(torch.tensor(pick), n).double() for pick, n in zip(arch, SPACE.options)]
            assert float(cost.expected(one_hots)) == pytest.approx(cost(arch))
    torch.manual_seed(0)
    mixed = [torch.rand(count, dtype=torch.double).softmax(0) for count in SPACE.options]
    pairs = product(*(range(count) for count in SPACE.options))
    mean = sum(np.prod([p[pick].item() for p, pick in zip(mixed, arch)]) * size(arch) for arch in pairs)
    assert float(size.expected(mixed)) == pytest.approx(mean)


def test_the_exact_front_is_that_of_all_networks() -> None:
    rng = np.random.default_rng(0)
    scores = np.full((len(SPACE.layers), max(SPACE.options)), np.nan)
    for row, count in zip(scores, SPACE.options):
        row[:count] = rng.uniform(size=count)
    known: dict[str, LayerCost] = {
        "latency": AdditiveCost(costs.of_options(SPACE, lambda spec: macs([spec]) + 1.0), trunks=SPACE.trunks),
        "memory": LargestCost(costs.of_options(SPACE, lambda spec: peak_activations([spec])), trunks=SPACE.trunks),
    }
    every = np.array(SPACE.networks)
    values = AdditiveCost(scores).of(every)
    for names in (["latency"], ["latency", "memory"]):
        spent = np.column_stack([known[name].of(every) for name in names])
        kept = nondominated(values, spent)
        front = exact_front(scores, {name: known[name] for name in names}, stacks=SPACE.stacks)
        assert front.archs.tolist() == every[kept].tolist()
        assert front.scores.tolist() == pytest.approx(values[kept].tolist())


def test_a_table_predicts_networks_of_every_trunk() -> None:
    rng = np.random.default_rng(0)
    rows = {
        ("fp32", spec): Value(seconds, seconds, seconds) for spec in block_specs(SPACE) for seconds in rng.random(1)
    }
    table = LatencyTable(
        space=SPACE.name,
        layers=SPACE.layers,
        reference=SPACE.reference,
        passport={},
        protocol={},
        verdict=Verdict("clean", (), (), ()),
        corrections={"fp32": Correction(0.1, 1.1, 0.01)},
        rows=rows,
        networks=(),
        timed=(),
        rounds=(),
    )
    predicted = table.predictor(SPACE, "fp32").of(np.array(archs()))
    assert predicted.tolist() == pytest.approx([table.latency(SPACE.decode(arch), "fp32") for arch in archs()])


def test_the_heatmap_shows_the_first_trunk_by_the_names_of_its_blocks() -> None:
    blocks = [
        Block(layer, option, str(spec), precision, 1e-6 * (1 + option))
        for precision in ("fp32", "int8")
        for layer, options in enumerate(SPACE.layers)
        for option, spec in enumerate(options)
        if spec.convs
    ]
    panel = heatmap.plot(blocks).axes[0]
    names = [
        "fused e1",
        "fused e2",
        "fused e4",
        "residual",
        "k3 e3",
        "k3 e6",
        "k5 e3",
        "k5 e6",
        "SE e4",
        "attention",
    ]
    assert [one.get_text() for one in panel.get_yticklabels()] == names
    assert "first trunk" in panel.get_title(loc="left")
    shown = np.asarray(panel.images[0].get_array(), float)
    assert shown.shape == (len(names), len(SPACE.layers))
    assert np.nanmax(shown) == pytest.approx(len(names))  # the first trunk's last option, in microseconds


def test_blocks_of_equal_shape_are_timed_once() -> None:
    """A stem of stride 2 and patches lead to the same blocks, and so do many trunks of `edge`."""
    space = edge(3, 32, 10)
    listed = sum(map(len, space.layers))
    blocks = block_specs(space)
    assert len(blocks) == len({*blocks}) < listed / 2
    assert len(all_specs(blocks, [])) < 600
