"""Tests spaces under some of their trunks, which `space.trunks` chooses."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from experiments.config import SpaceConfig, choices
from experiments.steps.plan import measure
from search_spaces.errors import LutraError
from search_spaces.spaces.edge import edge
from search_spaces.spaces.mobile import mobile
from search_spaces.trunks import whole
from tests.commands import Here

WHOLE = edge(3, 32, 10)


@pytest.mark.parametrize("kept", [[0], [2, 0], [6], [11, 1, 7]])
def test_its_networks_are_those_of_the_whole_space(kept: list[int]) -> None:
    space, rng = WHOLE.under(kept), Random(0)
    for _ in range(20):
        arch = space.sample(rng)
        trunk = kept[arch[0]]
        assert whole(arch, space.kept) == (trunk, *arch[1:])
        assert whole(arch, WHOLE.kept) == arch
        assert space.decode(arch) == WHOLE.decode((trunk, *arch[1:]))
        assert space.canonical(arch)[1:] == WHOLE.canonical((trunk, *arch[1:]))[1:]
    assert space.size * WHOLE.trunks == WHOLE.size * len(kept)
    assert (space.name, space.trunks) == (WHOLE.name, len(kept))


def test_the_reference_keeps_its_trunk_or_gets_the_first() -> None:
    assert WHOLE.under([2, 0]).decode((1, *WHOLE.reference[1:])) == WHOLE.decode(WHOLE.reference)
    assert WHOLE.under([2, 0]).reference[0] == 1
    other = WHOLE.under([6, 7])
    assert other.decode(other.reference) == WHOLE.decode((6, *WHOLE.reference[1:]))


def test_the_configuration_chooses_them() -> None:
    assert choices.chosen_space(SpaceConfig("edge"), 3, 32, 10) == WHOLE
    assert choices.chosen_space(SpaceConfig("edge", [3, 0]), 3, 32, 10) == WHOLE.under([3, 0])
    assert choices.chosen_space(SpaceConfig("edge", [*range(12)]), 3, 32, 10) == WHOLE
    assert choices.chosen_space(SpaceConfig("mobile", [0]), 3, 32, 10) == mobile(3, 32, 10)  # which has only one


@pytest.mark.parametrize(
    ("name", "kept", "word"),
    [("edge", "[12]", "no trunk 12"), ("mobile", "[1]", "no trunk 1"), ("edge", "[0,0]", "twice")],
)
def test_a_trunk_that_is_not_there_is_one_line(here: Here, name: str, kept: str, word: str, tmp_path: Path) -> None:
    said = here(measure, f"runs={tmp_path}", f"space={name}", f"space.trunks={kept}").err
    assert said.startswith("error: ")
    assert word in said
    assert said.count("\n") == 1
    with pytest.raises(LutraError, match=word):
        choices.chosen_space(SpaceConfig(name, [*map(int, kept.strip("[]").split(","))]), 3, 32, 10)
