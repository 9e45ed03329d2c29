"""Checks that a table file's content has the right types, and that its parts are consistent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from predictors.board.answer_validation import checked
from predictors.tables.correction import Correction
from predictors.tables.table import LatencyTable
from predictors.timing.blocks import computing, weights
from predictors.timing.rounds import Protocol
from search_spaces.errors import LutraError
from search_spaces.space import SearchSpace

Right = Callable[[Any], bool]
MOST = 1e5  # the longest valid time, in seconds


def is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) < 10_000


def is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 10**9


def is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and abs(value) < 1e12


def is_seconds(value: Any) -> bool:
    return type(value) is float and 0 < value <= MOST


def list_of(right: Right) -> Right:
    return lambda value: isinstance(value, list) and all(map(right, value))


def one_of(*known: str) -> Right:
    return lambda value: isinstance(value, str) and value in known


def has(**right: Right) -> Right:
    """A check for an object with exactly these keys."""
    return lambda value: (
        isinstance(value, dict) and {*value} == {*right} and all(test(value[key]) for key, test in right.items())
    )


def each(right: Right, key: Right = is_text) -> Right:
    """A check for a non-empty object, all of whose keys and values are right."""
    return lambda value: isinstance(value, dict) and bool(value) and all(key(k) and right(v) for k, v in value.items())


def shape(precisions: tuple[str, ...]) -> dict[str, Right]:
    """The check for each key of a table."""
    precision, spec = one_of(*precisions), lambda value: isinstance(value, dict)
    rejection = has(round=is_count, samples=is_count, reason=is_text)
    state = one_of("clean", "noisy", "throttled")
    return {
        "space": is_text,
        "reference": list_of(is_count),
        "passport": each(lambda value: True),
        "protocol": lambda value: isinstance(value, dict) and _is_protocol(value),
        "verdict": has(state=state, reasons=list_of(is_text), rejected=list_of(rejection), unknown=list_of(is_text)),
        "corrections": each(has(**{field.name: is_number for field in fields(Correction)}), precision),
        "layers": lambda value: list_of(list_of(spec))(value) and bool(value) and all(value),
        "rows": list_of(spec),
        "networks": list_of(
            has(arch=list_of(is_count), precision=precision, naive=is_number, held_out=is_number, measured=is_seconds)
        ),
        "timed": list_of(has(name=is_text, specs=list_of(spec), precision=precision, sha256=is_text)),
        "rounds": list_of(
            has(before=spec, after=spec, order=list_of(is_count), seconds=lambda value: isinstance(value, list))
        ),
    }


def check_shape(content: Mapping[str, Any], precisions: tuple[str, ...]) -> None:
    """Raises LutraError for the first part that has the wrong type."""
    expected = shape(precisions)
    if odd := [*sorted({*content} ^ {*expected, "schema", "sha256"})]:
        raise LutraError(f"its {odd[0]!r} is {'unknown' if odd[0] in content else 'missing'}")
    for key, right in expected.items():
        if not right(content[key]):
            raise LutraError(f"its {key} is {_first_wrong(content[key], right, key)}")
    Protocol(**{field.name: content["protocol"][field.name] for field in fields(Protocol)}).check()
    checked("the table", "passport", {}, content["passport"])
    for one in content["rounds"]:
        for moment in ("before", "after"):
            checked("the table", "state", {}, one[moment])


def check_parts(table: LatencyTable) -> None:
    """Raises LutraError if parts are inconsistent: repeated names, files without samples, rows without files."""
    space = SearchSpace(table.space, table.layers, table.reference)
    for arch in (table.reference, *(row.arch for row in table.networks)):
        space.check(arch)
    names = [item.name for item in table.timed]
    if len({*names}) < len(names):
        raise LutraError("two timed files have one name")
    if missing := {*names} - {name for one in table.rounds for name in one.order}:
        raise LutraError(f"{min(missing)} was timed in no round")
    if not all(item.specs for item in table.timed):
        raise LutraError("a timed file has no layer")
    timed = {(item.precision, item.specs) for item in table.timed}
    if len(timed) < len(names):
        raise LutraError("one network was timed twice in one precision")
    wanted = [(kind, network) for kind, spec in table.rows for network in weights(spec)]
    wanted += [(kind, computing(space.decode(row.arch))) for kind in table.corrections for row in table.networks]
    for precision, network in wanted:
        if (precision, network) not in timed:
            raise LutraError(f"{' '.join(map(str, network))} was not timed in {precision}")


def _first_wrong(value: Any, right: Right, key: str) -> str:
    """Which item of a list is wrong, or that the whole is."""
    wrong = [index for index, item in enumerate(value) if not right([item])] if isinstance(value, list) else []
    return f"wrong at number {wrong[0]}" if wrong and key != "layers" else "not what it should be"


def _is_protocol(value: Mapping[str, Any]) -> bool:
    """Whether a protocol's numbers are numbers; ignores other entries. `Protocol.check` tests their combination."""
    numbers: dict[str, Any] = {field.name: value.get(field.name) for field in fields(Protocol)}
    counts = ("min_rounds", "max_rounds", "seed")
    whole = all(is_count(numbers[key]) for key in counts)
    return whole and all(is_number(numbers[key]) and numbers[key] > 0 for key in ("sample_seconds", "within"))
