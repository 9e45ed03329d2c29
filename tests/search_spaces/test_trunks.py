"""Tests trunks: options of the first layer that decide the shapes of all later ones."""

from __future__ import annotations

import dataclasses
from functools import cache
from itertools import islice, product
from random import Random

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from compress.files.export import export
from compress.files.parity import check_parity, file_logits
from compress.files.source import Source
from compress.pruning.depgraph import prune_groups, size
from compress.quantization.calibration import activation_ranges
from compress.runtimes import RUNTIMES
from experiments.config.choices import STRATEGIES
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
from search_spaces.layers import Head
from search_spaces.mbconv import Stage
from search_spaces.networks.evaluation import calibrate, predict
from search_spaces.networks.network import Network, image_shape
from search_spaces.networks.population import logits
from search_spaces.networks.supernet import Supernet
from search_spaces.space import SearchSpace
from search_spaces.spaces.edge import edge
from search_spaces.spaces.tiny import tiny
from search_spaces.training.rules.sandwich import sandwich
from search_spaces.trunked import Trunk, trunked_space
from strategies.problems.objective import Pareto
from strategies.problems.supernet_problem import supernet_problem
from strategies.quality.exact import exact_front
from strategies.quality.pareto import nondominated
from tests.networks import seasoned

TRUNKS = (Trunk(1, 1, 1), Trunk(3 / 4, 1.5, 1), Trunk(1, 1, 2), Trunk(3 / 4, 2, "patches"))
SPACE = trunked_space("few", (3, 16), TRUNKS, 8, (Stage(16, 2, 2),), 16, 5)


def archs(draws: int = 3) -> list[tuple[int, ...]]:
    """Returns random architectures under every trunk."""
    rng = Random(0)
    return [SPACE.canonical((trunk, *SPACE.sample(rng)[1:])) for trunk in range(SPACE.trunks) for _ in range(draws)]


def images(count: int = 8) -> torch.Tensor:
    return torch.randn(count, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@cache
def supernet() -> Supernet:
    torch.manual_seed(0)
    return seasoned(Supernet(SPACE))


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


def test_the_supernet_holds_every_network() -> None:
    """By index, together with others, one-hot, and extracted."""
    net, x = supernet().double(), images(4).double()
    some = archs(2)
    together = net(x, *some)
    for arch, answer in zip(some, together):
        one_hots = [F.one_hot(torch.tensor(pick), n).double() for pick, n in zip(arch, SPACE.options)]
        extracted = net.float().extract(arch).double().train()
        net.double()
        for other in (net(x, arch), net(x, one_hots), extracted(x)):
            torch.testing.assert_close(other, answer, rtol=1e-8, atol=1e-8)


def test_trunks_share_weights() -> None:
    """A trunk has the first channels of the largest; 3x3 stems and patches have their own weights."""
    net = supernet()
    kinds = {kind: layer.spec for kind, layer in net.layers[0].largest.items()}
    assert {*kinds} == {"Stem", "PatchStem"}
    whole = net.layers[1].largest["ResidualBlock"]
    for arch in archs(1):
        own = net.float().extract((arch[0], 3, 3, 0)).layers[1]
        for mine, all_of_it in zip(own.parameters(), whole.parameters()):
            torch.testing.assert_close(mine, all_of_it[tuple(slice(n) for n in mine.shape)])


def test_a_population_answers_as_its_networks() -> None:
    net, x = supernet().float(), images(32)
    some = archs(2)
    for arch, answer in zip(some, logits(net, x, x, some)):
        ours = predict(calibrate(net.extract(arch), x), x)
        torch.testing.assert_close(answer, ours, rtol=1e-4, atol=1e-4)


def test_the_sandwich_trains_every_trunk() -> None:
    torch.manual_seed(0)
    net = Supernet(SPACE)
    step = sandwich(net, SPACE, 0.1, seed=0, middle=8)
    loss = step(0, images(8), torch.arange(8) % 5)
    assert np.isfinite(loss)
    assert all(layer.convs[0].conv.weight.grad is not None for layer in net.layers[0].largest.values())


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_files_answer_as_the_network(runtime: str) -> None:
    """Files take the trunk's resolution; larger images are resized in the same way as for the network."""
    for trunk in range(SPACE.trunks):
        network = calibrate(seasoned(Network(SPACE.decode((trunk, 4, 3, 0)))), images(64))
        source, written = Source.of(network), RUNTIMES[runtime]
        file, x = written.fp32(source), images()
        assert written.pixels(file) == network.specs[0].resolution
        ours = predict(network, x).numpy()
        assert np.abs(file_logits(file, x.numpy()) - ours).max() <= 1e-4 * max(1, np.abs(ours).max())
        int8 = written.int8(source, activation_ranges(source.onnx, images(64).numpy()))
        assert np.corrcoef(file_logits(int8, x.numpy()).ravel(), ours.ravel())[0, 1] > 0.99


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


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_searches_over_trunks(name: str) -> None:
    size = AdditiveCost(costs.of_options(SPACE, lambda spec: weight_bytes([spec], "int8")), trunks=SPACE.trunks)
    labels = torch.arange(16) % 5
    problem = supernet_problem(
        supernet().float(),
        {"size": size},
        Pareto({"size": size(size.highest)}),
        lambda step: (images(16), labels),
        images(16),
        (images(16), labels),
    )
    often = {"every": 1} if name == "darts" else {}
    found = list(islice(STRATEGIES[name](problem, Random(0), **often), 6))
    assert len({candidate.arch[0] for candidate in found}) > 1
    assert all(candidate.costs["size"] == weight_bytes(SPACE.decode(candidate.arch), "int8") for candidate in found)


def test_a_network_pruned_by_depgraph_keeps_its_resolution() -> None:
    network = calibrate(seasoned(Network(SPACE.decode((1, 4, 3, 0)))), images(64))
    slim = prune_groups(network, (3, 16, 16), 0.6)
    assert size(slim, (3, 16, 16)).macs < size(network, (3, 16, 16)).macs
    check_parity(slim, export(slim, image_shape(slim, (3, 16, 16))), images())


def test_blocks_of_equal_shape_are_timed_once() -> None:
    """A stem of stride 2 and patches lead to the same blocks, and so do many trunks of `edge`."""
    space = edge(3, 32, 10)
    listed = sum(map(len, space.layers))
    blocks = block_specs(space)
    assert len(blocks) == len({*blocks}) < listed / 2
    assert len(all_specs(blocks, [])) < 600


def test_classes_do_not_depend_on_the_trunk() -> None:
    heads = SPACE.layers[-1]
    other = dataclasses.replace(heads[-1], classes=6)
    assert isinstance(other, Head)
    with pytest.raises(LutraError, match="classes"):
        Supernet(SearchSpace("odd", (*SPACE.layers[:-1], (*heads[:-1], other)), SPACE.reference))
