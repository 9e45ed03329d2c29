"""Tests the fair training rule: every kind of a layer, option of a kind, depth and trunk is drawn equally often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import lcm

import pytest
import torch
import torch.nn.functional as F

from search_spaces.networks.supernet import Supernet
from search_spaces.space import Arch, SearchSpace
from search_spaces.spaces.edge import edge
from search_spaces.spaces.mobile import mobile
from search_spaces.spaces.tiny import tiny
from search_spaces.training.rules.fair import block, fair, network
from tests.networks import nonzero

SPACES = [tiny(1, 8, 2), mobile(3, 32, 10), edge(3, 32, 10)]


def depths(space: SearchSpace, arch: Arch) -> list[int]:
    return [sum(pick != stack.skip for pick in arch[stack.layers]) for stack in space.stacks]


def kinds(space: SearchSpace, layer: int, blocks: Sequence[int]) -> dict[str, list[int]]:
    """The options of each kind of a layer."""
    found: dict[str, list[int]] = {}
    for pick in blocks:
        found.setdefault(type(space.layers[layer][pick]).__name__, []).append(pick)
    return found


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
@pytest.mark.parametrize("seed", [0, 7])
def test_kinds_options_depths_and_trunks_are_drawn_equally_often(space: SearchSpace, seed: int) -> None:
    """Over one round of all packs."""
    stacked = {layer: stack for stack in space.stacks for layer in range(stack.layers.start, stack.layers.stop)}
    for layer, count in enumerate(space.options):
        if layer == 0:
            drawn = Counter(network(space, seed, number)[0] for number in range(count))
            assert drawn == dict.fromkeys(range(count), 1)
            continue
        blocks = stacked[layer].blocks if layer in stacked else range(count)
        groups = kinds(space, layer, blocks)
        length = len(groups) * lcm(*(len(options) for options in groups.values()))
        drawn = Counter(block(space, seed, layer, number, blocks) for number in range(length))
        for options in groups.values():
            assert [drawn[pick] for pick in options] == [length // len(groups) // len(options)] * len(options)
    for place, stack in enumerate(space.stacks):
        found = Counter(depths(space, network(space, seed, number))[place] for number in range(stack.height + 1))
        assert found == dict.fromkeys(range(stack.height + 1), 1)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_a_network_has_the_blocks_that_are_drawn_for_its_layers(space: SearchSpace) -> None:
    stacked = {layer: stack for stack in space.stacks for layer in range(stack.layers.start, stack.layers.stop)}
    for number in range(40):
        for layer, pick in list(enumerate(network(space, 3, number)))[1:]:
            stack = stacked.get(layer)
            blocks = stack.blocks if stack else range(space.options[layer])
            assert pick == block(space, 3, layer, number, blocks) or (stack and pick == stack.skip)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_draws_are_networks_in_their_canonical_form(space: SearchSpace) -> None:
    for number in range(60):
        arch = network(space, 1, number)
        assert space.canonical(space.check(arch)) == arch


def test_a_combination_that_is_no_network_is_replaced() -> None:
    whole = tiny(1, 8, 2)
    space = SearchSpace("few", whole.layers, whole.reference, lambda arch: arch[1] == whole.reference[1])
    assert {network(space, 0, number)[1] for number in range(40)} == {whole.reference[1]}


def test_listed_networks_are_drawn_equally_often() -> None:
    whole = tiny(1, 8, 2)
    listed = (whole.reference, whole.largest, whole.smallest)
    space = SearchSpace("listed", whole.layers, whole.reference, lambda arch: arch in listed, listed)
    assert Counter(network(space, 0, number) for number in range(9)) == dict.fromkeys(listed, 3)


def test_a_step_adds_the_gradients_of_its_networks() -> None:
    space = SPACES[0]
    torch.manual_seed(0)
    model = nonzero(Supernet(space))
    x, labels = torch.randn(8, 1, 8, 8), torch.arange(8) % 2
    loss = fair(model, space, 0.1, seed=5)(2, x, labels)
    summed = [p.grad.clone() if p.grad is not None else None for p in model.parameters()]
    model.zero_grad()
    losses = [F.cross_entropy(model(x, network(space, 5, 8 + path)), labels, label_smoothing=0.1) for path in range(4)]
    torch.stack(losses).sum().backward()
    assert loss == pytest.approx(sum(one.item() for one in losses) / 4)
    for one, parameter in zip(summed, model.parameters(), strict=True):
        torch.testing.assert_close(one, parameter.grad, rtol=1e-4, atol=1e-6)
