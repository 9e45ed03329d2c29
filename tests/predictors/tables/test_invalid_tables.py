"""Tests that every kind of damaged or forged table is refused, in one line."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from predictors.tables.table import LatencyTable
from predictors.tables.table_file import SEAL, dump, load
from predictors.tables.verify import problems
from search_spaces.errors import LutraError
from tests.predictors.tables.simulated_table import body, places_of_table, refused, sealed, text_of_table

NO_NUMBERS = [float("nan"), float("inf"), None, "1e-5", True, 1]


@pytest.mark.parametrize(
    ("key", "bad"),
    [(key, bad) for key in ("seconds", "low", "high") for bad in NO_NUMBERS] + [("seconds", 0.0), ("seconds", -1e-5)],
)
def test_a_row_without_a_positive_number_is_named(text: str, key: str, bad: object) -> None:
    content = json.loads(text)
    content["rows"][3][key] = bad
    with pytest.raises(LutraError, match=r"row 3 .*MBConv") as caught:
        load(json.dumps(content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("unit", None), ("unit", "ms"), ("precision", "int4"), ("status", "failed"), ("layer", {"type": "Conv"})],
)
def test_a_row_of_another_kind_is_named(text: str, key: str, value: object) -> None:
    content = json.loads(text)
    content["rows"][5][key] = value
    with pytest.raises(LutraError, match="row 5"):
        load(json.dumps(content))


def test_a_row_that_stands_twice_is_named(text: str) -> None:
    content = json.loads(text)
    content["rows"][7] = {**content["rows"][6], "seconds": 1.0}
    with pytest.raises(LutraError, match=r"row 7 .*twice"):
        load(json.dumps(content))


@pytest.mark.parametrize(
    "bad", ["", "[]", "{}", "null", '{"schema": "lutra/latency-table/1"}', '{"rows": [', "[" * 100_000]
)
def test_no_table_at_all(bad: str) -> None:
    with pytest.raises(LutraError, match="measure it again"):
        load(bad)


CHARACTERS = st.characters(exclude_categories=["Cs"]) | st.sampled_from(list('0123456789.,:-e"{}[] \n'))


@given(st.data())
@settings(max_examples=120)
def test_one_changed_character_is_found(data: st.DataObject) -> None:
    text = text_of_table()
    place = data.draw(st.integers(0, len(text) - 1))
    change = data.draw(st.sampled_from(["replace", "insert", "remove", "cut"]))
    put = "" if change in ("remove", "cut") else data.draw(CHARACTERS)
    rest = "" if change == "cut" else text[place + (change != "insert") :]
    changed = text[:place] + put + rest
    assume(changed != text)
    refused(changed)


MUTATIONS: dict[str, Callable[[object], object]] = {
    "nothing": lambda value: None,
    "not a number": lambda value: float("nan"),
    "text": lambda value: f"{value} ",
    "number": lambda value: value * 1.0000001 + 1e-12 if isinstance(value, float) else 7,
    "list": lambda value: [value],
    "object": lambda value: {"value": value},
}


@given(st.data())
@settings(max_examples=60)
def test_one_changed_field_is_found(data: st.DataObject) -> None:
    text = text_of_table()
    content, seal = json.loads(text), text[text.index(SEAL) :]
    assert body(content) + seal == text
    top = data.draw(st.sampled_from([key for key in content if key != "sha256"]))
    *path, last = data.draw(st.sampled_from([place for place in places_of_table() if place[0] == top]))
    holder = content
    for key in path:
        holder = holder[key]
    kind = data.draw(st.sampled_from(["remove", "add", *MUTATIONS]))
    if kind == "remove":
        del holder[last]
    elif kind == "add" and isinstance(holder, dict):
        holder["more"] = holder[last]
    elif kind == "add":
        holder.append(holder[last])
    else:
        holder[last] = MUTATIONS[kind](holder[last])
    assume(body(content) + seal != text)
    refused(body(content) + seal)
    with contextlib.suppress(LutraError):  # sealed again, it loads or is refused in one line
        load(sealed(content))


@pytest.mark.parametrize("bad", [0, -1e-5, 1, "1e-5", None, float("nan"), float("inf")])
def test_a_sample_that_is_no_positive_number_is_named(text: str, bad: object) -> None:
    content = json.loads(text)
    content["rounds"][4]["seconds"][7] = bad
    with pytest.raises(LutraError, match="round 4 "):
        load(sealed(content))


@pytest.mark.parametrize("key", ["verdict", "layers", "networks", "timed", "rounds", "corrections"])
@pytest.mark.parametrize("change", ["remove", "nothing"])
def test_a_well_sealed_file_that_is_no_table_is_one_line(text: str, key: str, change: str) -> None:
    content = json.loads(text)
    assert load(sealed(content)) == load(text)
    if change == "remove":
        del content[key]
    else:
        content[key] = None
    refused(sealed(content))


@pytest.mark.parametrize("part", ["rows", "corrections", "networks", "verdict", "rounds"])
def test_a_value_that_does_not_follow_from_the_samples_is_found(table: LatencyTable, part: str) -> None:
    """It is found although the file has been sealed again."""
    key, value = next(iter(table.rows.items()))
    correction = table.corrections["int8"]
    network, first = table.networks[0], table.rounds[0]
    changes = {
        "rows": {**table.rows, key: dataclasses.replace(value, seconds=1.0001 * value.seconds)},
        "corrections": {**table.corrections, "int8": dataclasses.replace(correction, slope=1.0001 * correction.slope)},
        "networks": (dataclasses.replace(network, measured=1.0001 * network.measured), *table.networks[1:]),
        "verdict": dataclasses.replace(table.verdict, state="noisy"),
        "rounds": (dataclasses.replace(first, seconds=tuple(2 * s for s in first.seconds[::-1])), *table.rounds[1:]),
    }
    found = problems(load(dump(dataclasses.replace(table, **{part: changes[part]}))))
    assert found
    assert part == "rounds" or all(line.startswith(part) for line in found)
