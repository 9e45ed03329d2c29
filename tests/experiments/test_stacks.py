"""Tests that a network has one canonical architecture: (Skip, A) and (A, Skip) are equal if layers' options are."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch

from experiments.comparison.fresh_networks import fresh_archs
from experiments.comparison.ranking_truth import published
from experiments.config import Config, RankingConfig
from predictors.timing.blocks import computing, networks_to_time
from search_spaces.errors import LutraError
from search_spaces.layers import Spec, Stem
from search_spaces.mbconv import Stage, mbconv_space
from search_spaces.networks.supernet import Supernet
from search_spaces.space import Arch, SearchSpace
from search_spaces.spaces.mobile import mobile
from search_spaces.spaces.mobile_imagenet import mobile_imagenet
from search_spaces.spaces.nasbench_macro import nasbench_macro
from search_spaces.spaces.tiny import tiny
from strategies.problems.objective import Pareto
from strategies.problems.problem import Problem
from tests.networks import nonzero


def staged(*stages: Stage, kernels: tuple[int, ...] = (3, 5)) -> SearchSpace:
    return mbconv_space("staged", (Stem(1, 8, 1, 8),), stages, kernels, (2,), 16, 4)


ENUMERATED = {
    "tiny": tiny(1, 16, 10),
    "nasbench_macro": nasbench_macro(3, 8, 10),
    "one stage": staged(Stage(12, 5, 1)),
    "without a change of shape": staged(Stage(8, 3, 1)),
    "two stages of one shape": staged(Stage(12, 3, 1), Stage(12, 2, 1)),
    "one option": staged(Stage(12, 6, 2), kernels=(3,)),
    "nothing to skip": staged(Stage(12, 1, 2), Stage(16, 1, 2)),
}
SPACES = ENUMERATED | {"mobile": mobile(3, 32, 10), "mobile_imagenet": mobile_imagenet(3, 32, 7)}
every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES.keys())
enumerated = pytest.mark.parametrize("space", ENUMERATED.values(), ids=ENUMERATED.keys())
SMALL = [space for space in ENUMERATED.values() if space.size < 1000]
small = pytest.mark.parametrize("space", SMALL, ids=[f"{space.size} networks" for space in SMALL])


def network(space: SearchSpace, arch: Arch) -> tuple[Spec, ...]:
    return computing(space.decode(arch))


def tuples(space: SearchSpace) -> list[Arch]:
    return list(itertools.product(*map(range, space.options)))


@enumerated
def test_size_counts_networks(space: SearchSpace) -> None:
    assert space.size == len({network(space, arch) for arch in tuples(space)})


def test_sizes_of_the_spaces() -> None:
    """A stage of n layers after its first has 9 ** depth networks of each depth."""
    assert (SPACES["tiny"].size, math.prod(SPACES["tiny"].options)) == (1680, 2000)
    depths = [sum(9**depth for depth in range(skippable + 1)) for skippable in (2, 3, 2)]
    assert SPACES["mobile"].size == 9**4 * math.prod(depths) == 44_551_945_620


@enumerated
def test_each_network_has_one_canonical_architecture(space: SearchSpace) -> None:
    by_network: dict[tuple[Spec, ...], set[Arch]] = {}
    for arch in tuples(space):
        found = space.canonical(arch)
        assert network(space, found) == network(space, arch)
        by_network.setdefault(network(space, arch), set()).add(found)
    assert {len(archs) for archs in by_network.values()} == {1}
    assert {*(space.networks or ())} == {arch for archs in by_network.values() for arch in archs}


@every_space
def test_what_a_space_gives_is_canonical(space: SearchSpace) -> None:
    rng = Random(0)
    given = [space.reference, space.largest, space.smallest]
    for _ in range(200):
        mother, father = space.sample(rng), space.sample(rng)
        given += [mother, space.mutate(mother, rng), space.crossover(mother, father, rng)]
        given += itertools.islice(space.neighbours(mother), 5)
    assert [space.canonical(arch) for arch in given] == given
    picks = np.array([[rng.randrange(count) for count in space.options] for _ in range(200)])
    assert [*map(tuple, space.canonical_all(picks).tolist())] == [space.canonical(tuple(a)) for a in picks.tolist()]


@every_space
def test_a_mutation_is_another_network_also_of_a_twin(space: SearchSpace) -> None:
    rng = Random(0)
    for _ in range(50):
        arch = tuple(rng.randrange(count) for count in space.options)
        assert network(space, space.mutate(arch, rng)) != network(space, arch)
        assert all(network(space, other) != network(space, arch) for other in space.neighbours(space.canonical(arch)))


@every_space
def test_depth_is_drawn_uniformly(space: SearchSpace) -> None:
    """The depth of each stack is drawn first, then its layers' options."""
    rng, draws = Random(0), 3000
    drawn = [space.sample(rng) for _ in range(draws)]
    for stack in space.stacks:
        depths = Counter(sum(pick != stack.skip for pick in arch[stack.layers]) for arch in drawn)
        assert depths.keys() == {*range(stack.height + 1)}
        expected = draws / (stack.height + 1)
        assert all(abs(count - expected) < 5 * expected**0.5 for count in depths.values())
        first = Counter(arch[stack.layers][0] for arch in drawn)
        assert all(
            abs(first[pick] / draws - (1 - 1 / (stack.height + 1)) / len(stack.blocks)) < 0.05
            for pick in first
            if pick != stack.skip
        )


def test_shallow_networks_of_mobile_are_drawn() -> None:
    """Uniform picks gave at most 7 of 11 blocks in only 0.29 % of draws."""
    space, rng = SPACES["mobile"], Random(0)
    blocks = [len(network(space, space.sample(rng))) - 2 for _ in range(2000)]
    assert {min(blocks), max(blocks)} == {4, 11}
    assert np.mean(np.array(blocks) <= 7) > 0.4


def test_a_supernet_would_judge_twins_differently() -> None:
    """Its layers have their own weights, so a network is always evaluated as its canonical architecture."""
    space = SPACES["tiny"]
    torch.manual_seed(0)
    supernet, images = nonzero(Supernet(space)), torch.randn(4, 1, 16, 16)
    twins = [arch for arch in tuples(space) if space.canonical(arch) != arch]
    assert twins
    first = twins[0]
    assert not torch.equal(supernet(images, first), supernet(images, space.canonical(first)))
    assert network(space, first) == network(space, space.canonical(first))


def test_a_network_is_paid_for_once() -> None:
    space = SPACES["tiny"]
    asked: list[Arch] = []

    def accuracies(archs: list[Arch]) -> list[float]:
        asked.extend(archs)
        return [0.5] * len(archs)

    problem = Problem(space, Pareto({"latency": 100.0}), accuracies, {"latency": lambda arch: 1.0})  # type: ignore[arg-type]
    found = problem.evaluate_all(tuples(space))
    assert len(asked) == len({*asked}) == space.size
    assert {candidate.arch for candidate in found} == {*asked} == problem.memo.keys()


@small
def test_different_networks_are_drawn_to_the_last(space: SearchSpace) -> None:
    """After the last one, an error ends the search for another."""
    drawn = space.others(space.size - 1, [space.reference], Random(0))
    assert {*drawn} | {space.reference} == {*(space.networks or ())}
    assert space.others(0, drawn, Random(0)) == []
    with pytest.raises(LutraError, match="too few networks"):
        space.others(1, [space.reference, *drawn], Random(0))


def test_draws_of_a_large_space_end_too() -> None:
    space = SearchSpace("lonely", (("a", "b"),) * 20, (0,) * 20, lambda arch: sum(arch) == 0)
    with pytest.raises(LutraError, match=r"none of 1000 draws|too few networks"):
        space.others(1, [(0,) * 20], Random(0))


@small
def test_as_many_networks_are_timed_as_there_are(space: SearchSpace) -> None:
    for count in (1, 3, 12, space.size + 5):
        archs = networks_to_time(space, count, 0)
        assert archs[0] == space.reference
        assert len(archs) == len({network(space, arch) for arch in archs}) == min(count, space.size)
    assert networks_to_time(space, 12, 0) == networks_to_time(space, 12, 0)


@small
def test_fresh_networks_end_with_what_to_type(space: SearchSpace) -> None:
    known = {space.reference}
    assert len(fresh_archs(space, known, space.size - 1, 0)) == space.size - 1
    with pytest.raises(LutraError, match=r"too few for .* fresh ones"):
        fresh_archs(space, known, space.size, 0)


def test_a_published_network_of_several_rows_has_their_mean(tmp_path: Path) -> None:
    space = nasbench_macro(3, 32, 10)
    rows = {picks: 50 + i / 200 for i, picks in enumerate(itertools.product(range(3), repeat=8))}
    path = tmp_path / "macro.csv"
    path.write_text("\n".join(["arch,mean_acc", *(f"{''.join(map(str, p))},{a}" for p, a in rows.items())]))
    found = published(Config(ranking=RankingConfig(csv=str(path))), space)
    assert len(found) == space.size
    twins = [(0, 1, 0, 1, 0, 2, 1, 1), (0, 1, 0, 0, 1, 2, 1, 1)]
    assert found[(0, *twins[0], 0)] == pytest.approx(np.mean([rows[picks] for picks in twins]) / 100)
