"""Tests how architectures are drawn, mutated, crossed and checked."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictors.timing.blocks import computing
from search_spaces.costs import macs
from search_spaces.errors import LutraError
from search_spaces.space import Arch, SearchSpace
from tests.search_spaces.spaces import SPACES, archs, every_space, some_space


@given(some_space, st.integers())
def test_mutation_changes_exactly_one_pick(space: SearchSpace, seed: int) -> None:
    rng = Random(seed)
    arch = space.check(space.sample(rng))
    child = space.check(space.mutate(arch, rng))
    before, after = computing(space.decode(arch)), computing(space.decode(child))
    assert before != after
    assert arch[0] != child[0] or abs(len(before) - len(after)) <= 1
    if arch[0] != child[0]:  # another trunk, which gives all layers another shape
        assert arch[1:] == child[1:]
    elif len(before) == len(after):
        assert sum(a != b for a, b in zip(before, after)) == 1
    else:  # a layer is skipped or no longer skipped
        shorter, longer = sorted((before, after), key=len)
        assert shorter in {longer[:i] + longer[i + 1 :] for i in range(len(longer))}


@given(some_space, st.integers())
def test_crossover_takes_picks_from_the_parents(space: SearchSpace, seed: int) -> None:
    rng = Random(seed)
    mother, father = space.sample(rng), space.sample(rng)
    child = space.check(space.crossover(mother, father, rng))
    parents = [space.decode((child[0], *parent[1:])) for parent in (mother, father)]  # under the child's trunk
    assert {*space.decode(child)} <= {*parents[0], *parents[1]}
    assert space.crossover(mother, mother, rng) == mother
    stacked = {layer for stack in space.stacks for layer in range(len(space.layers))[stack.layers]}
    alone = [layer for layer in range(len(space.layers)) if layer not in stacked]
    assert all(child[layer] in (mother[layer], father[layer]) for layer in alone)


@every_space
def test_every_option_is_drawn_and_reached(space: SearchSpace) -> None:
    rng = Random(0)
    drawn = {pair for _ in range(1000) for pair in enumerate(space.sample(rng))}
    mutated = {pair for _ in range(3000) for pair in enumerate(space.mutate(space.sample(rng), rng))}
    assert drawn == mutated == {(layer, pick) for layer, count in enumerate(space.options) for pick in range(count)}


def test_invalid_architectures_are_never_born() -> None:
    space = SearchSpace("pairs", (("a", "b", "c"),) * 3, (0, 1, 2), valid=lambda arch: sum(arch) % 2 == 1)
    rng, arch = Random(0), (0, 0, 1)
    for _ in range(100):
        assert space.valid(space.sample(rng))
        other = space.mutate(arch, rng)
        assert space.valid(other)
        arch = space.crossover(arch, other, rng)
        assert space.valid(arch)


@pytest.mark.parametrize(("arch", "says"), [((0,) * 3, "7 layers"), ((0, 9, 0, 0, 0, 0, 0), "0 to 3, not 9")])
def test_what_is_no_architecture_is_refused(arch: Arch, says: str) -> None:
    with pytest.raises(LutraError, match=says):
        SPACES["tiny"].check(arch)


@every_space
def test_sizes_of_the_corners(space: SearchSpace) -> None:
    costs = [macs(space.decode(arch)) for arch in archs(space, draws=20)]
    assert costs[1] == max(costs)
    assert costs[2] == min(costs)


def test_layers_fit_one_another() -> None:
    for space in SPACES.values():
        for trunk in range(space.trunks):
            layers = [options[part] for options, part in zip(space.layers, space.within(trunk))]
            for before, after in pairwise(layers):
                assert len({spec.out_channels for spec in before}) == 1
                assert {spec.in_channels for spec in after} == {before[0].out_channels}
                assert {spec.resolution for spec in after} == {spec.out_resolution for spec in before}
