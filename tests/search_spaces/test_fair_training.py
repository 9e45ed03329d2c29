"""Tests the fair training rule: every option of a layer, and every depth and trunk, is trained equally often."""

from __future__ import annotations

from collections import Counter
from math import lcm

import pytest
import torch
import torch.nn.functional as F

from search_spaces.networks.supernet import Supernet
from search_spaces.space import Arch, SearchSpace
from search_spaces.spaces.edge import edge
from search_spaces.spaces.mobile import mobile
from search_spaces.spaces.tiny import tiny
from search_spaces.training.rules.fair import fair, network
from tests.networks import nonzero

SPACES = [tiny(1, 8, 2), mobile(3, 32, 10), edge(3, 32, 10)]


def depths(space: SearchSpace, arch: Arch) -> list[int]:
    return [sum(pick != stack.skip for pick in arch[stack.layers]) for stack in space.stacks]


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
@pytest.mark.parametrize("seed", [0, 7])
def test_options_depths_and_trunks_are_drawn_equally_often(space: SearchSpace, seed: int) -> None:
    """Over one round of all packs."""
    inside = {layer for stack in space.stacks for layer in range(stack.layers.start, stack.layers.stop)}
    sizes = [count for layer, count in enumerate(space.options) if layer not in inside]
    length = lcm(*sizes, *(stack.height + 1 for stack in space.stacks))
    archs = [network(space, seed, number) for number in range(length)]
    for layer, count in enumerate(space.options):
        if layer not in inside:
            drawn = Counter(arch[layer] for arch in archs)
            assert drawn == dict.fromkeys(range(count), length // count)
    for place, stack in enumerate(space.stacks):
        found = Counter(depths(space, arch)[place] for arch in archs)
        assert found == dict.fromkeys(range(stack.height + 1), length // (stack.height + 1))


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
def test_a_layer_has_each_block_once_before_any_twice(space: SearchSpace) -> None:
    for stack in space.stacks:
        first = stack.layers.start
        drawn = [network(space, 3, number)[first] for number in range(len(stack.blocks))]
        blocks = [pick for pick in drawn if pick != stack.skip]
        assert len(blocks) == len(set(blocks))


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
