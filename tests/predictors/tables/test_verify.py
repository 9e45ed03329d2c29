"""Tests changed tables with a new seal: refused in one line, reported by `verify`, or equivalent."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from predictors.tables.table_file import load
from predictors.tables.verify import problems
from search_spaces.errors import LutraError
from tests.predictors.tables.simulated_table import places_of_table, sealed, text_of_table

COUNT = int(os.environ.get("LUTRA_MUTATIONS", "40"))
VALUES = [None, True, 0, -1, 1.5, 1e308, 10**30, "", "x", [], [[]], {}, {"a": 1}]


def holder_of(content: Any, place: tuple[Any, ...]) -> Any:
    for key in place[:-1]:
        content = content[key]
    return content


def changed(holder: Any, key: Any, value: Any) -> None:
    holder[key] = value


def doubled(holder: Any, key: Any, rng: Random) -> None:
    if isinstance(holder, list):
        holder.insert(rng.randrange(len(holder) + 1), copy.deepcopy(holder[key]))
    else:
        holder[f"{key}x"] = copy.deepcopy(holder[key])


def scaled(value: Any, rng: Random) -> Any:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value * rng.choice([-1, 0, 1e-300, 2, 0.5]) if number else rng.choice([7, -3, 0])


MUTATIONS: dict[str, Callable[[Any, Any, Random, Any], Any]] = {
    "another kind": lambda holder, key, rng, other: changed(holder, key, rng.choice(VALUES)),
    "another number": lambda holder, key, rng, other: changed(holder, key, scaled(holder[key], rng)),
    "a text": lambda holder, key, rng, other: changed(holder, key, str(holder[key])),
    "a list": lambda holder, key, rng, other: changed(holder, key, [copy.deepcopy(holder[key])] * 3),
    "another part": lambda holder, key, rng, other: changed(holder, key, copy.deepcopy(other)),
    "twice": lambda holder, key, rng, other: doubled(holder, key, rng),
    "missing": lambda holder, key, rng, other: holder.__delitem__(key),
}


def mutated(rng: Random, places: dict[str, list[tuple[Any, ...]]]) -> str:
    content = json.loads(text_of_table())
    place, other = (rng.choice(places[rng.choice([*places])]) for _ in range(2))
    part = holder_of(content, other)[other[-1]]
    MUTATIONS[rng.choice([*MUTATIONS])](holder_of(content, place), place[-1], rng, part)
    return sealed(content)


def test_a_resealed_table_is_never_a_traceback() -> None:
    """LUTRA_MUTATIONS=1000 tests that many."""
    rng = Random(0)
    places: dict[str, list[tuple[Any, ...]]] = {}
    for place in places_of_table():
        if place[0] not in ("sha256", "schema"):
            places.setdefault(place[0], []).append(place)
    told = {"refused": 0, "found": 0, "nothing": 0, "several lines": 0}
    for _ in range(COUNT):
        text = mutated(rng, places)
        try:
            told["found" if problems(load(text)) else "nothing"] += 1
        except LutraError as error:
            told["several lines" if "\n" in str(error) else "refused"] += 1
    assert told["several lines"] == 0
    assert told["refused"] + told["found"] > COUNT / 2


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("timed", 3, "name"), "fp32/0", "two timed files have one name"),
        (("rounds", 0, "order", 0), 10**6, "round 0 has a file number 1000000"),
        (("networks", 0, "arch", 1), 99, "has the options 0 to"),
        (("protocol", "max_rounds"), 1, "above measure.max_rounds"),
        (("protocol", "within"), "2 %", "its protocol is not what it should be"),
        (("corrections", "int8", "slope"), None, "its corrections is not what it should be"),
        (("networks", 2, "measured"), -1.0, "its networks is wrong at number 2"),
        (("rounds", 1, "before", "clock_khz"), "fast", "invalid answer to 'state'"),
        (("rows", 0, "more"), 1, "unknown or missing"),
        (("more",), 1, "its 'more' is unknown"),
    ],
)
def test_the_part_that_is_wrong_is_named(place: tuple[Any, ...], value: Any, said: str) -> None:
    content = json.loads(text_of_table())
    changed(holder_of(content, place), place[-1], value)
    with pytest.raises(LutraError) as caught:
        load(sealed(content))
    assert said in str(caught.value)


def test_a_block_whose_context_was_not_timed_is_named() -> None:
    content = json.loads(text_of_table())
    content["timed"][0]["specs"] = content["timed"][0]["specs"][:1]
    with pytest.raises(LutraError, match="was not timed in fp32"):
        load(sealed(content))


def test_values_beside_those_that_follow_are_found() -> None:
    content = json.loads(text_of_table())
    content["networks"] = content["networks"][:-1]
    assert problems(load(sealed(content))) == [
        f"networks: the table has {len(content['networks'])}, its samples give {len(content['networks']) + 1}"
    ]
