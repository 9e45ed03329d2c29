"""Tests that a board's answers are checked before they are used, stored or printed, whatever the board is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictors.board.answer_validation import BadAnswer, checked, plain

STATE = {"boot_id": "b", "cpu_seconds": 1.0, "clock_seconds": 1.0, "throttled": "0x0", "clocks_khz": [1500, None]}
ASKED = {"order": ["a", "b"], "seconds": 0.02, "each": True}
ROUND = {"before": STATE, "after": STATE, "samples": [[1e-3, [1e-3, 2e-3]], [2e-3, [2e-3]]]}
GOOD: dict[str, tuple[dict[str, Any], Any]] = {
    "state": ({}, STATE),
    "passport": ({}, {"cpu": "Cortex-A76", "quota": 1.5, "turbo": None, "pinned": True}),
    "round": (ASKED, ROUND),
    "outputs": ({"image": [0, 0]}, {"output": [[1.0, 2.0], [3.0, 4.0]]}),
    "peak_memory": ({}, {"peak": 10**8, "runtime": None}),
    "profile": ({}, {"operators": [["l0.c0", "Conv", 1e-5]], "whole": 2e-5}),
    "setup": ({}, {"enter": ["python3", "agent.py"], "notes": []}),
    "lock": ({}, {"busy": {"pid": 7, "user": "pi", "seconds": 1.5}}),
}
WRONG = [float("nan"), float("inf"), 10**400, {"deep": {"er": 1}}, [[1]], [["x"]], b"x", -1e300]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yields the paths of all values in nested lists and mappings."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize("do", GOOD)
def test_every_answer_is_taken_as_it_is_and_refused_with_a_wrong_value_anywhere(do: str) -> None:
    asked, good = GOOD[do]
    assert checked("board", do, asked, good) == good
    for path in places(good):
        for wrong in WRONG:
            with pytest.raises(BadAnswer, match=f"^board sent an invalid answer to '{do}': ") as caught:
                checked("board", do, asked, changed(good, path, wrong))
            assert "\n" not in str(caught.value)
            assert len(str(caught.value)) < 300


@pytest.mark.parametrize("sample", [0.0, -1e-3, 1e9, "1e-3", None, True, [], [1e-3], [1e-3, [], 1], [1e-3, [0.0]]])
def test_a_sample_is_a_positive_number_of_seconds(sample: Any) -> None:
    one = sample if isinstance(sample, list) else [sample, []]
    with pytest.raises(BadAnswer, match=r"a sample of b|b has the sample"):
        checked("board", "round", ASKED, {**ROUND, "samples": [[1e-3, []], one]})


@pytest.mark.parametrize("change", [{"samples": ROUND["samples"][:1]}, {"samples": None}, {"before": None}])
def test_a_round_has_a_sample_of_every_file_and_two_states(change: dict[str, Any]) -> None:
    with pytest.raises(BadAnswer):
        checked("board", "round", ASKED, {**ROUND, **change})
    for key in ROUND:
        with pytest.raises(BadAnswer):
            checked("board", "round", ASKED, {name: value for name, value in ROUND.items() if name != key})


def test_the_states_of_several_boards_are_checked_each() -> None:
    merged = {**STATE, "boards": {"a": STATE, "b": STATE}}
    assert checked("boards", "state", {}, merged) == merged
    with pytest.raises(BadAnswer, match="load 'x'"):
        checked("boards", "state", {}, {**STATE, "boards": {"a": STATE, "b": {"load": "x"}}})


@given(st.text() | st.text("=+-@\x1b\r\n\t[]\\ \u202e\ud800", max_size=30))
@settings(max_examples=200)
def test_text_is_one_printable_line_that_no_spreadsheet_computes(text: str) -> None:
    line = plain(text)
    assert len(line) <= 200
    assert line.isprintable()
    assert not line.startswith(("=", "+", "-", "@"))
    line.encode()
    assert plain(line) == line


@pytest.mark.parametrize("text", ["ARM [rev 3] board", "Intel(R) Xeon(R) @ 2.20GHz", "Raspberry Pi 5 — Größe"])
def test_honest_text_stays_as_it_is(text: str) -> None:
    assert plain(text) == text
    assert checked("board", "passport", {}, {"cpu": text}) == {"cpu": text}


def test_texts_of_a_passport_are_made_plain() -> None:
    found = checked("board", "passport", {}, {"model": "=HYPERLINK()\x1b[2J\nPi", "cpu": "x" * 10**5})
    assert found["model"] == "HYPERLINK()?[2J Pi"
    assert len(found["cpu"]) == 200
