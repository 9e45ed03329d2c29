"""Tests networks of a space with trunks: in a supernet, in a population, in files, pruned."""

from __future__ import annotations

import dataclasses
from itertools import islice
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
from predictors import costs
from predictors.models.layer_costs import AdditiveCost
from search_spaces.costs import weight_bytes
from search_spaces.errors import LutraError
from search_spaces.layers import Head
from search_spaces.networks.evaluation import calibrate, predict
from search_spaces.networks.network import Network, image_shape
from search_spaces.networks.population import logits
from search_spaces.networks.supernet import Supernet
from search_spaces.space import SearchSpace
from search_spaces.training.rules.sandwich import sandwich
from strategies.problems.objective import Pareto
from strategies.problems.supernet_problem import supernet_problem
from tests.networks import seasoned
from tests.search_spaces.few_trunks import SPACE, archs, images, supernet


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


@pytest.mark.usefixtures("one_registry")
def test_a_network_pruned_by_depgraph_keeps_its_resolution() -> None:
    network = calibrate(seasoned(Network(SPACE.decode((1, 4, 3, 0)))), images(64))
    slim = prune_groups(network, (3, 16, 16), 0.6)
    assert size(slim, (3, 16, 16)).macs < size(network, (3, 16, 16)).macs
    check_parity(slim, export(slim, image_shape(slim, (3, 16, 16))), images())


def test_classes_do_not_depend_on_the_trunk() -> None:
    heads = SPACE.layers[-1]
    other = dataclasses.replace(heads[-1], classes=6)
    assert isinstance(other, Head)
    with pytest.raises(LutraError, match="classes"):
        Supernet(SearchSpace("odd", (*SPACE.layers[:-1], (*heads[:-1], other)), SPACE.reference))
