"""Checks everything that a board sends before it is used, printed or stored."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from predictors.agent.runtimes import RUNTIMES
from search_spaces.errors import LutraError

LONGEST = 200  # characters of a text
SLOWEST = 1e5  # seconds of one inference
MANY = 4096  # cores, or keys of a device fingerprint or state
STATE = {  # each number in a board's state: its bounds
    "clock_khz": (0, 1e8),
    "clock_max_khz": (0, 1e8),
    "clock_cap_khz": (0, 1e8),
    "firmware_clock_hz": (0, 1e11),
    "temperature_mc": (-1e6, 1e6),
    "quota_throttled_seconds": (0, 1e12),
    "waited_seconds": (0, 1e12),
    "load": (0, 1e6),
    "swapped_in_pages": (0, 1e18),
    "preempted": (0, 1e18),
    "cpu_seconds": (0, 1e12),
    "clock_seconds": (0, 1e12),
    "peak_rss_kb": (0, 1e12),
}
TEXTS = ("model", "cpu", "machine", "cores", "clock_max_khz", "clock_cap_khz", "governor", "power", *RUNTIMES)


class BadAnswer(LutraError):
    """A board gave an invalid answer. Names the board, the request and what was wrong."""


def plain(text: object, longest: int = LONGEST) -> str:
    """A board's text as one short line of printable characters that no spreadsheet takes for a formula."""
    line = " ".join(str(text)[: 10 * longest].split())
    printable = "".join(c if c.isprintable() else "?" for c in line).lstrip("=+-@ ")
    return printable if len(printable) <= longest else f"{printable[: longest - 3]}..."


def checked(where: str, do: str, arguments: Mapping[str, Any], answer: Any) -> Any:
    """The answer, with its texts made plain. Raises BadAnswer if it does not fit the request."""
    try:
        return CHECKS[do](answer, arguments) if do in CHECKS else answer
    except ValueError as error:
        raise BadAnswer(f"{plain(where)} sent an invalid answer to {do!r}: {error}") from None


def _passport(answer: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    found = _facts(answer, "passport")
    for key in TEXTS:
        if not isinstance(found.get(key), (str, type(None))):
            raise ValueError(f"its passport has {key} {_quoted(found[key])}, which is not text")
    return found


def _state(answer: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    boards = answer.get("boards") if isinstance(answer, Mapping) else None
    own = {key: value for key, value in answer.items() if key != "boards"} if boards is not None else answer
    found = _facts(own, "state")
    for key, (low, high) in STATE.items():
        if found.get(key) is not None:
            _number(found[key], f"state with {key}", low, high)
    if found.get("throttled") is not None and not re.fullmatch(r"0x[0-9a-f]{1,8}", str(found["throttled"])):
        raise ValueError(f"a state with throttled {_quoted(found['throttled'])}")
    if boards is None:
        return found
    return {**found, "boards": {plain(host): _state(state, {}) for host, state in _items(boards, "boards")}}


def _facts(answer: Any, what: str) -> dict[str, Any]:
    """A mapping of names to texts, numbers, truth values, None, or lists of numbers."""
    found: dict[str, Any] = {}
    for key, value in _items(answer, what):
        if not re.fullmatch(r"\w{1,40}", key):
            raise ValueError(f"a {what} with the key {_quoted(key)}")
        if isinstance(value, list) and len(value) <= MANY:
            for one in value:
                if one is not None:
                    _number(one, f"{what} with {key}", -1e18, 1e18)
        elif isinstance(value, str):
            value = plain(value)
        elif value is not None and not isinstance(value, bool):
            _number(value, f"{what} with {key}", -1e18, 1e18)
        found[key] = value
    return found


def _items(answer: Any, what: str) -> list[tuple[str, Any]]:
    if not isinstance(answer, Mapping) or len(answer) > MANY:
        raise ValueError(f"a {what} that is {_quoted(answer)}")
    return [(str(key), value) for key, value in answer.items()]


def _round(answer: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(answer, Mapping) or not {"before", "samples", "after"} <= {*answer}:
        raise ValueError(f"a round that is {_quoted(answer)}, without before, samples and after")
    samples, order = answer["samples"], arguments["order"]
    if not isinstance(samples, (list, tuple)) or len(samples) != len(order):
        many = len(samples) if isinstance(samples, (list, tuple)) else _quoted(samples)
        raise ValueError(f"a round with {many} samples of {len(order)} files")
    for name, sample in zip(order, samples):
        if not isinstance(sample, (list, tuple)) or len(sample) != 2 or not isinstance(sample[1], (list, tuple)):
            raise ValueError(f"{name} has the sample {_quoted(sample)}, not a number and a list")
        for seconds in (sample[0], *sample[1]):
            _number(seconds, f"sample of {name}", 0, SLOWEST, above=True)
        if sample[1] and not arguments.get("each"):
            raise ValueError(f"{name} has {len(sample[1])} single inferences that were not requested")
    return {**answer, "before": _state(answer["before"], {}), "after": _state(answer["after"], {})}


def _outputs(answer: Any, arguments: Mapping[str, Any]) -> Any:
    rows = answer.get("output") if isinstance(answer, Mapping) else None
    images = arguments["image"]
    if not isinstance(rows, list) or len(rows) != len(images) or not all(isinstance(row, list) for row in rows):
        raise ValueError(f"an output that is {_quoted(rows)}, not {len(images)} rows")
    if not rows[0] or len({len(row) for row in rows}) != 1:
        raise ValueError("an output whose rows are empty or of several lengths")
    for row in rows:
        for value in row:
            _number(value, "output", -1e38, 1e38)
    return answer


def _memory(answer: Any, arguments: Mapping[str, Any]) -> Any:
    for key in ("peak", "runtime"):
        if not isinstance(answer, Mapping) or key not in answer:
            raise ValueError(f"a memory that is {_quoted(answer)}")
        if answer[key] is not None:
            _number(answer[key], f"memory with {key}", 1, 1e15)
    if None not in (answer["peak"], answer["runtime"]) and answer["peak"] < answer["runtime"]:
        raise ValueError("a memory whose peak is below that of the runtime alone")
    return answer


def _profile(answer: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    fields = dict(_items(answer, "profile"))
    _number(fields.get("whole"), "profile with the whole's seconds", 0, SLOWEST, above=True)
    found, operators = [], fields.get("operators")
    for one in operators if isinstance(operators, list) else [operators]:
        if not isinstance(one, list) or [type(part) for part in one[:2]] != [str, str] or len(one) != 3:
            raise ValueError(f"an operator that is {_quoted(one)}, not a name, a kind and seconds")
        _number(one[2], "profile with an operator's seconds", 0, SLOWEST)
        found.append([plain(one[0]), plain(one[1]), one[2]])
    return {"operators": found, "whole": fields["whole"]}


def _fields(**kinds: type) -> Callable[[Any, Mapping[str, Any]], dict[str, Any]]:
    """Makes a check for answers with at most these keys: texts, truth values, lists of texts, mappings of facts."""

    def check(answer: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in _items(answer, "answer"):
            if key not in kinds or not isinstance(value, kinds[key]):
                raise ValueError(f"{_quoted(key)} with {_quoted(value)}")
            if isinstance(value, list) and not all(isinstance(one, str) for one in value):
                raise ValueError(f"{key} with something that is not text")
            if isinstance(value, dict):
                value = _facts(value, key)
            found[key] = [plain(one) for one in value] if isinstance(value, list) else value
            found[key] = plain(value) if isinstance(value, str) else found[key]
        return found

    return check


def _number(value: Any, what: str, low: float, high: float, above: bool = False) -> None:
    """Raises ValueError unless `value` is a finite number within the bounds; `above` excludes the lower bound."""
    if type(value) not in (int, float) or value != value:  # NaN
        raise ValueError(f"a {what} {_quoted(value)}, which is not a number")
    if not low <= value <= high or (above and value == low):
        raise ValueError(f"a {what} {_quoted(value)}, which is not {'above' if above else 'from'} {low:g} to {high:g}")


def _quoted(value: Any) -> str:
    """A value as it is quoted in an error: short even if the answer is large or deeply nested."""
    if isinstance(value, (list, tuple, dict)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, int) and abs(value) > 10**18:
        return "a huge number"
    return f"{value:g}" if isinstance(value, float) else plain(repr(value))[:60]


CHECKS: dict[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "ping": _fields(),
    "passport": _passport,
    "state": _state,
    "setup": _fields(enter=list, notes=list, failed=str, impossible=str),
    "pin": _fields(cores=str, pinned=bool, refused=str),
    "lock": _fields(busy=dict, unlocked=str),
    "load": _fields(),
    "round": _round,
    "outputs": _outputs,
    "peak_memory": _memory,
    "profile": _profile,
}
