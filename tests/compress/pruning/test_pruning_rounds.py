"""Tests pruning in rounds, and the stage that runs them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from compress.pruning.importance import Importances, l1, taylor
from compress.pruning.prune import kept_importance, narrow, strongest, uniform_widths, widths_of
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
from search_spaces.errors import LutraError
from search_spaces.networks.evaluation import calibrate, predict
from search_spaces.networks.network import Network
from strategies.quality.exact import exact_front
from tests.networks import first_block, pixels


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
