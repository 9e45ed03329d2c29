"""Tests structured pruning: importances, widths, the narrower network, and the widths that lose least."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from compress.files.parity import check_parity
from compress.pruning.importance import Importances, batch_norm_scale, l1, taylor
from compress.pruning.prune import (
    global_widths,
    kept_importance,
    narrow,
    prune_uniformly,
    strongest,
    uniform_widths,
    widths_of,
)
from compress.pruning.rounds import in_rounds, in_whole
from compress.pruning.widths import hidden_widths, width_space
from experiments.config import Config
from experiments.config.compression import CompressConfig, PruneConfig, check
from experiments.stages import NETWORK, STAGES
from experiments.stages.task import Task
from experiments.steps.compress import settings_of
from experiments.store.step import Means
from experiments.store.weights import load_network, save_network
from predictors.models.layer_costs import AdditiveCost
from search_spaces.costs import macs, parameters
from search_spaces.errors import LutraError
from search_spaces.layers import Head, LowRankHead, MBConv, Skip
from search_spaces.networks.evaluation import calibrate, predict
from search_spaces.networks.network import Network
from search_spaces.networks.onnx_writer import write
from search_spaces.spaces.nasbench_macro import nasbench_macro
from strategies.quality.exact import exact_front
from tests.networks import REFERENCE, lively, pixels

LABELS = torch.arange(32) % 10


def taylor_of(network: Network) -> Importances:
    """Computes in float64: rounding could push an activation across a kink of ReLU6 and change its gradient."""
    images = pixels().double()
    return taylor(copy.deepcopy(network).double(), [(images, LABELS), (-images, LABELS)])


MEASURES: dict[str, Callable[[Network], Importances]] = {
    "batch norm scale": batch_norm_scale,
    "l1": l1,
    "taylor": taylor_of,
}


@pytest.fixture
def network() -> Network:
    return lively()


def first_block(network: Network) -> int:
    return next(index for index, spec in enumerate(network.specs) if isinstance(spec, MBConv))


# importance


@pytest.mark.parametrize("name", MEASURES)
def test_every_hidden_channel_has_an_importance(name: str, network: Network) -> None:
    values = MEASURES[name](network)
    assert {layer: len(value) for layer, value in values.items()} == hidden_widths(network.specs)
    assert all(value.min() >= 0 and not value.requires_grad for value in values.values())


@pytest.mark.parametrize("name", MEASURES)
def test_importance_follows_its_channel(name: str, network: Network) -> None:
    shuffle = torch.Generator().manual_seed(0)
    widths = hidden_widths(network.specs)
    orders = {layer: torch.randperm(width, generator=shuffle) for layer, width in widths.items()}
    shuffled, before = MEASURES[name](narrow(network, orders)), MEASURES[name](network)
    for layer, order in orders.items():
        torch.testing.assert_close(shuffled[layer], before[layer][order], rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("training", [False, True])
def test_taylor_leaves_the_network_as_it_was(network: Network, training: bool) -> None:
    network.train(training)
    before = copy.deepcopy(network.state_dict())
    taylor(network, [(pixels(), LABELS)])
    assert network.training == training
    assert all(parameter.grad is None for parameter in network.parameters())
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)


@pytest.mark.parametrize("kind", [MBConv, Head])
def test_taylor_is_the_squared_change_of_the_loss_to_first_order(kind: type, network: Network) -> None:
    network.double()
    layer = next(index for index, spec in enumerate(network.specs) if isinstance(spec, kind))
    images, step, norm = pixels().double(), 1e-7, network.layers[layer].conv(kind.prunable.gate).norm

    def loss(channel: int, gate: float) -> float:
        before = norm.weight.data.clone(), norm.bias.data.clone()
        norm.weight.data[channel] *= gate
        norm.bias.data[channel] *= gate
        value = F.cross_entropy(predict(network, images), LABELS).item()
        norm.weight.data, norm.bias.data = before
        return value

    values = taylor(network, [(images, LABELS)])[layer]
    for channel in (0, 1, len(values) - 1):
        slope = (loss(channel, 1 + step) - loss(channel, 1 - step)) / (2 * step)
        assert values[channel].item() == pytest.approx(slope**2, rel=1e-4)


def test_taylor_averages_over_batches(network: Network) -> None:
    one, other = (pixels(), LABELS), (-pixels(), LABELS)
    apart = [taylor(network, [batch]) for batch in (one, other)]
    for layer, value in taylor(network, [one, other]).items():
        torch.testing.assert_close(value, (apart[0][layer] + apart[1][layer]) / 2)


def test_taylor_needs_images(network: Network) -> None:
    with pytest.raises(LutraError, match="at least one batch"):
        taylor(network, [])


@pytest.mark.parametrize("name", MEASURES)
def test_a_channel_without_weights_is_worth_least(name: str, network: Network) -> None:
    block = network.layers[layer := first_block(network)]
    block.convs[0].conv.weight.data[5] = 0
    block.convs[1].conv.weight.data[5] = 0
    block.convs[1].norm.weight.data[5] = 0
    block.convs[2].conv.weight.data[:, 5] = 0
    head = network.layers[-1]
    head.convs[0].conv.weight.data[5] = 0
    head.convs[0].norm.weight.data[5] = 0
    head.linear.weight.data[:, 5] = 0
    values = MEASURES[name](network)
    for each in (layer, len(network.layers) - 1):
        assert values[each][5] == values[each].min() == 0


# the narrower network


def test_keeping_everything_is_the_identity(network: Network) -> None:
    pruned = prune_uniformly(network, keep=1)
    assert pruned.specs == network.specs
    assert torch.equal(predict(pruned, pixels()), predict(network, pixels()))
    torch.testing.assert_close(pruned.state_dict(), network.state_dict(), rtol=0, atol=0)


def test_channels_that_go_nowhere_can_go(network: Network) -> None:
    kept = {}
    for index, hidden in hidden_widths(network.specs).items():
        order = torch.randperm(hidden, generator=torch.Generator().manual_seed(index))
        gone, stay = order.tensor_split([hidden // 3])
        layer = network.layers[index]
        reader = layer.spec.graph.weighted[-1]
        layer.weighted(reader).weight.data[:, gone] = 0
        kept[index] = stay.sort().values
    pruned = narrow(network, kept)
    assert macs(pruned.specs) < 0.8 * macs(network.specs)
    torch.testing.assert_close(predict(pruned, pixels()), predict(network, pixels()), rtol=1e-5, atol=1e-5)


def test_pruned_network_is_a_network_of_its_specs(network: Network) -> None:
    before = copy.deepcopy(network.state_dict())
    pruned = prune_uniformly(network, keep=0.5)
    assert not pruned.training
    assert sum(p.numel() for p in pruned.parameters()) == parameters(pruned.specs) < parameters(network.specs)
    for narrow_spec, spec in zip(pruned.specs, network.specs):
        hidden = uniform_widths([spec], 0.5).get(0)
        assert narrow_spec == (dataclasses.replace(spec, hidden_channels=hidden) if hidden else spec)  # type: ignore[call-arg]
    check_parity(pruned, write(pruned.specs, pruned.folded()), pixels())
    calibrate(pruned, -pixels())
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)


def test_statistics_follow_their_channels(network: Network) -> None:
    kept = torch.tensor([1, 5, 40])
    layer = next(index for index, spec in enumerate(network.specs) if isinstance(spec, MBConv))
    slim, full = narrow(network, {layer: kept}).layers[layer], network.layers[layer]
    for index in (0, 1):
        for name in ("weight", "bias", "running_mean", "running_var"):
            assert torch.equal(getattr(slim.convs[index].norm, name), getattr(full.convs[index].norm, name)[kept])
    assert torch.equal(slim.convs[2].norm.running_mean, full.convs[2].norm.running_mean)


@given(st.integers(1, 1000), st.floats(1e-6, 1), st.floats(1e-6, 1))
def test_widths_are_multiples_of_eight_or_everything(hidden: int, keep: float, other: float) -> None:
    def width(keep: float) -> int:
        return uniform_widths([MBConv(8, hidden, 8, 3, 1, 8)], keep)[0]

    assert width(1) == hidden
    assert width(keep) == hidden or width(keep) % 8 == 0
    assert min(8, hidden) <= width(keep) <= hidden
    assert width(keep) < keep * hidden + 8.5
    assert width(min(keep, other)) <= width(max(keep, other))


def test_only_hidden_channels_of_mbconvs_and_the_head_have_widths() -> None:
    macro = nasbench_macro(3, 8, 10)
    specs = macro.decode(macro.reference)
    assert set(uniform_widths(specs, 0.5)) == {i for i, spec in enumerate(specs) if isinstance(spec, (MBConv, Head))}
    assert not uniform_widths([LowRankHead(40, 64, 10, 4, rank=8)], 0.5)


@pytest.mark.parametrize("keep", [0, -0.5, 1.01, float("nan")])
def test_no_fraction_is_refused(keep: float) -> None:
    with pytest.raises(LutraError, match="fraction"):
        uniform_widths(REFERENCE, keep)


def test_the_largest_scales_stay_in_their_order(network: Network) -> None:
    layer = next(index for index, spec in enumerate(network.specs) if isinstance(spec, MBConv))
    scale = network.layers[layer].convs[1].norm.weight.data
    scale.fill_(0.1)
    scale[[3, 30, 7]] = torch.tensor([-2.0, 1.0, 3.0])
    values = batch_norm_scale(network)
    assert values[layer][3] == 2
    assert strongest(values, {layer: 3})[layer].tolist() == [3, 7, 30]
    assert strongest(values, {layer: 5})[layer].tolist() == [0, 1, 3, 7, 30]


# how many channels


@pytest.mark.parametrize("name", MEASURES)
def test_the_strongest_of_the_whole_network_stay(name: str, network: Network) -> None:
    values, hidden = MEASURES[name](network), hidden_widths(REFERENCE)
    widths = global_widths(values, REFERENCE, 0.4)
    threshold = torch.cat(list(values.values())).quantile(0.6)
    for layer, width in widths.items():
        above = int((values[layer] > threshold).sum())
        assert width % 8 == 0
        assert max(8, above) <= width <= max(8, min(hidden[layer], above + 8))
    assert global_widths(values, REFERENCE, 1) == hidden
    assert set(global_widths(values, REFERENCE, 1e-6).values()) == {8}
    assert global_widths({}, REFERENCE[:1], 0.5) == {}


def test_equal_importances_are_kept_in_order() -> None:
    equal = {layer: torch.ones(width) for layer, width in hidden_widths(REFERENCE).items()}
    widths = list(global_widths(equal, REFERENCE, 0.5).values())
    assert widths[0] == REFERENCE[min(equal)].hidden_channels  # type: ignore[union-attr]
    assert widths[-1] == 8


@given(st.integers(1, 1000), st.integers(1, 20))
def test_widths_to_choose_from(hidden: int, most: int) -> None:
    block = MBConv(8, hidden, 8, 3, 1, 8)
    space = width_space((block,), most)
    *blocks, gone = space.layers[0]
    assert gone == Skip(8, 8)
    widths = [option.hidden_channels for option in blocks]  # type: ignore[union-attr]
    assert space.decode(space.reference) == (block,)
    assert widths == sorted(set(widths), reverse=True)
    assert len(widths) == min(most, -(-hidden // 8))
    assert all(width % 8 == 0 for width in widths[1:])
    assert min(widths) == 8 or hidden <= 8 or most == 1
    steps = -np.diff(widths[1:])
    assert not len(steps) or steps.max() - steps.min() <= 8


def test_a_width_is_chosen_in_mbconvs_and_the_head_only() -> None:
    space = width_space(REFERENCE, 3)
    assert space.decode(space.reference) == REFERENCE
    wide = [isinstance(spec, (MBConv, Head)) for spec in REFERENCE]
    assert space.options == tuple(3 + spec.residual if widths else 1 for spec, widths in zip(REFERENCE, wide))
    with pytest.raises(LutraError, match="at least one width"):
        width_space(REFERENCE, 0)


# the widths that lose least


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


def test_a_block_whose_branch_is_zero_can_be_left_out(network: Network) -> None:
    layer = next(i for i, spec in enumerate(REFERENCE) if isinstance(spec, MBConv) and spec.residual)
    norm = network.layers[layer].convs[2].norm
    norm.weight.data.zero_()
    norm.bias.data.zero_()
    without = narrow(network, {layer: torch.arange(0)})
    assert without.specs == REFERENCE[:layer] + REFERENCE[layer + 1 :]
    torch.testing.assert_close(predict(without, pixels()), predict(network, pixels()))


# rounds


def uniform(network: Network, keep: float) -> Callable[[Importances, float], dict[int, int]]:
    return lambda importances, part: uniform_widths(network.specs, 1 - part * (1 - keep))


def test_one_round_is_one_cut(network: Network) -> None:
    once = narrow(network, strongest(l1(network), uniform_widths(network.specs, 0.5)))
    rounds = in_rounds(network, l1, uniform(network, 0.5), 1, lambda left: left)
    assert once.specs == rounds.specs
    torch.testing.assert_close(rounds.state_dict(), once.state_dict())


def test_each_round_estimates_what_is_left(network: Network) -> None:
    seen: list[list[int]] = []

    def estimate(left: Network) -> Importances:
        seen.append([*hidden_widths(left.specs).values()])
        return l1(left)

    made = in_rounds(network, estimate, uniform(network, 0.25), 3, lambda left: left)
    expected = [[*uniform_widths(network.specs, keep).values()] for keep in (1, 0.75, 0.5, 0.25)]
    assert [*seen, [*hidden_widths(made.specs).values()]] == expected


def test_of_two_twins_rounds_keep_one(network: Network) -> None:
    """Channels 0 and 1 do the same, so each is worth nothing beside the other, and most without it."""
    block = first_block(network)
    width = hidden_widths(network.specs)[block]
    network.layers[block].convs[0].norm.weight.data = torch.arange(float(width))  # names the channels

    def estimate(left: Network) -> Importances:
        found = {layer: torch.ones(count) for layer, count in hidden_widths(left.specs).items()}
        twins = left.layers[block].convs[0].norm.weight < 2
        found[block] = torch.where(twins, 1000.0 if twins.sum() == 1 else 0.0, 1.0)
        return found

    def kept(rounds: int) -> set[float]:
        left = in_rounds(network, estimate, lambda _, part: {block: width - round(8 * part)}, rounds, lambda left: left)
        return {*left.layers[block].convs[0].norm.weight.tolist()}

    assert len(kept(1)) == len(kept(8)) == width - 8
    assert not {0.0, 1.0} & kept(1)
    assert len({0.0, 1.0} & kept(8)) == 1


def test_importances_of_the_rest_are_those_of_its_units(network: Network) -> None:
    """Also where a block was removed, so that the layers behind it are others."""
    residual = next(layer for layer, spec in enumerate(network.specs) if spec.prunable and spec.residual)
    halves = strongest(l1(network), uniform_widths(network.specs, 0.5))
    kept = {**halves, residual: halves[residual][:0]}
    left = narrow(network, kept)
    whole, own = in_whole(l1(left), network, kept), l1(left)
    assert {layer: len(value) for layer, value in whole.items()} == hidden_widths(network.specs)
    assert whole[residual].sum() == 0
    remaining = [layer for layer in whole if layer != residual]
    for layer, values in zip(remaining, own.values()):
        assert torch.equal(whole[layer][kept[layer]], values)
        assert (whole[layer] != 0).sum() <= len(values)


def test_settled_networks_are_estimated(network: Network) -> None:
    """Statistics follow the cuts before importances are estimated; after the last cut the caller does that."""
    settled: list[Network] = []

    def settle(left: Network) -> Network:
        settled.append(calibrate(left, pixels()))
        return left

    made = in_rounds(network, l1, uniform(network, 0.5), 4, settle)
    assert len(settled) == 3
    assert made not in settled


@pytest.mark.parametrize("budget", [0.02, 0.2, 0.6])
def test_rounds_of_exact_widths_end_within_the_latency(budget: float, network: Network) -> None:
    """Also where a round removes a block."""
    space = width_space(network.specs, 4)
    shape = kept_importance(l1(network), space, comparable=False)
    latency = AdditiveCost(
        np.where(np.isnan(shape), np.nan, np.sort(np.random.default_rng(0).uniform(1, 2, shape.shape))[:, ::-1])
    )
    whole, least = latency(space.reference), latency(latency.lowest)
    times: list[float] = []

    def widths(importances: Importances, part: float) -> dict[int, int]:
        front = exact_front(kept_importance(importances, space, comparable=False), {"latency": latency})
        target = whole + part * (least + budget * (whole - least) - whole)
        last = np.flatnonzero(front.costs["latency"] <= target)[-1]
        times.append(float(front.costs["latency"][last]))
        return widths_of(space, tuple(front.archs[last].tolist()))

    made = in_rounds(network, l1, widths, 4, lambda left: calibrate(left, pixels()))
    assert times == sorted(times, reverse=True)
    assert times[-1] <= least + budget * (whole - least) + 1e-9
    assert np.isfinite(predict(made, pixels()).numpy()).all()


def stage(folder: Path, network: Network, **chosen: object) -> Network:
    """Runs the stage on the digits."""
    prune_config = PruneConfig(images=32, **chosen)  # type: ignore[arg-type]
    config = dataclasses.replace(Config(), compress=CompressConfig(prune=prune_config))
    save_network(folder / NETWORK, network)
    made = folder / "made"
    made.mkdir(exist_ok=True)
    STAGES["prune"].run(Task(settings_of(config, "prune"), Means.of(config), folder / NETWORK, {}, made))
    found = load_network(made / NETWORK)
    assert isinstance(found, Network)
    return found


@pytest.mark.parametrize("rule", ["uniform", "global"])
def test_the_stage_prunes_in_as_many_rounds_as_configured(
    rule: str, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def counted(left: Network, images: object) -> Importances:
        seen.append(sum(hidden_widths(left.specs).values()))
        return taylor(left, images)  # type: ignore[arg-type]

    monkeypatch.setattr("experiments.stages.pruning.taylor", counted)
    once = stage(tmp_path, network, rule=rule, keep=0.5)
    assert len(seen) == 1
    seen.clear()
    rounds = stage(tmp_path, network, rule=rule, keep=0.5, rounds=3)
    assert len(seen) == 3
    assert seen == sorted(seen, reverse=True)
    assert seen[0] == sum(hidden_widths(network.specs).values()) > seen[-1]
    if rule == "uniform":
        assert rounds.specs == once.specs


def test_torch_pruning_has_no_rounds() -> None:
    with pytest.raises(LutraError, match=r"compress\.prune\.rounds=2 is not for rule=depgraph"):
        check(CompressConfig(prune=PruneConfig(rule="depgraph", rounds=2)), "winner")
