"""Tests that a board's answers are checked before they are used, stored or printed, whatever the board is."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictors.board.answer_validation import BadAnswer, checked, plain
from predictors.board.device import Connection, Unreachable
from predictors.board.limits import Limits
from predictors.board.resumable import resumable
from predictors.timing.rounds import Protocol, measure, summarize
from search_spaces.errors import LutraError

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


# Text


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


# Frames


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections kill an agent at once where it does not end with its input."""
    monkeypatch.setattr("predictors.board.device.FAREWELL", 0.05)


def answering(script: str, patience: float = 5) -> Connection:
    """Starts an agent that answers its first request with a script."""
    start = "import sys, io, time, json, hashlib; from predictors.agent import *\nout = sys.stdout.buffer\n"
    start += "nonce = read_frame(sys.stdin.buffer)['nonce']\n"
    start += "def frame(text):\n  p = text.encode(); h = hashlib.sha256(p).hexdigest()\n"
    start += "  out.write(b'LUTRA %d %s\\n' % (len(p), h.encode()) + p); out.flush()\n"
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", start + script], bufsize=0, stdin=pipe, stdout=pipe)
    return Connection(process, 1, patience, where="pi")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "script",
    [
        "out.write(b'x' * 10**7)",
        "out.write(b'LUTRA 1000000000000 ' + b'0' * 64 + b'\\n'); out.flush(); time.sleep(9)",
        "out.write(b'LUTRA ' + b'9' * 500 + b' ' + b'0' * 64 + b'\\n')",
        "frame('[' * 20000 + ']' * 20000)",
        'frame(\'{"nonce": "%s", "answer": {"cpu": NaN}}\' % nonce)',
        'frame(\'{"nonce": "%s", "answer": {"cores": %s}}\' % (nonce, \'9\' * 5000))',
        'frame(\'{"nonce": "%s"}\' % nonce)',
        "frame('\"text\"')",
    ],
)
def test_a_wrong_frame_is_one_line_that_names_the_board_and_the_request(script: str) -> None:
    with contextlib.closing(answering(script)) as board, pytest.raises(BadAnswer) as caught:
        _ = board.passport
    assert str(caught.value).startswith("pi sent an invalid answer to 'passport': ")
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("impatient")
def test_signs_of_life_do_not_lengthen_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("predictors.board.limits.QUICK", 0.5)
    script = "while True: out.write(b'\\n'); out.flush(); time.sleep(0.05)"
    with contextlib.closing(answering(script)) as board, pytest.raises(Unreachable, match="'passport': not finished"):
        _ = board.passport


def test_the_bounds_grow_with_the_work_and_are_finite() -> None:
    limits = Limits(float("inf"))
    quick = {do: limits.seconds(do, {}) for do in ("ping", "state", "passport", "lock", "pin")}
    assert max(quick.values()) <= 60
    assert max(Limits(2.0).seconds(do, {"name": "a", "order": ["a"], "seconds": 0.02}) for do in (*quick, "round")) < 30
    limits.learn("load", {"name": "a"}, 2.0)
    one, ten = (limits.seconds("round", {"order": ["a"] * n, "seconds": 0.02}) for n in (1, 10))
    assert 0 < one < ten < 3600
    alone, each = (limits.bytes("round", {"order": ["a"], "seconds": 1.0, "each": each}) for each in (False, True))
    assert alone < each < limits.bytes("round", {"order": ["a"] * 10**6, "seconds": 1.0, "each": True}) <= 64 * 2**20


def test_what_the_board_says_of_an_error_is_one_plain_line() -> None:
    script = "frame(json.dumps({'nonce': nonce, 'error': 'a\\x1b[2J' + chr(10) + 'b' * 10**5}))"
    with contextlib.closing(answering(script)) as board, pytest.raises(LutraError) as caught:
        board.ask("ping")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


# Kept rounds


class Fake:
    """A board whose rounds are valid rounds, changed by a function."""

    threads, passport = 1, {"cpu": "x"}

    def __init__(self, spoil: Any = lambda samples: samples) -> None:
        self.spoil = spoil

    def load(self, name: str, onnx: bytes) -> None: ...

    def ask(self, do: str, **arguments: Any) -> Any:
        return STATE if do == "state" else self.round(**arguments)

    def round(self, order: Any, seconds: float, each: bool = False) -> dict[str, Any]:
        return {"before": STATE, "after": STATE, "samples": self.spoil([[1e-3, []] for _ in order])}


FILES = {f"f{number}": b"x" for number in range(4)}


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), "1e-3", None])
def test_a_bad_round_is_not_kept_and_one_of_the_past_is_measured_again(bad: Any) -> None:
    kept: list[Any] = []

    @contextmanager
    def connect(board: Fake) -> Iterator[Fake]:
        yield board

    spoiled = Fake(lambda samples: [*samples[:-1], [bad, []]])
    with resumable(lambda again: connect(spoiled), [], kept.append, print, ()) as board, pytest.raises(BadAnswer):
        list(measure(board, FILES, Protocol(2, 2)))
    assert kept == []
    with resumable(lambda again: connect(Fake()), [], kept.append, print, ()) as board:
        good = list(measure(board, FILES, Protocol(2, 2)))
    old = json.loads(json.dumps(kept))
    old[0]["answer"]["samples"][-1][0] = bad
    told: list[str] = []
    with resumable(lambda again: connect(Fake()), [{"no": 1}, *old], kept.append, told.append, ()) as board:
        again = list(measure(board, FILES, Protocol(2, 2)))
    assert again == good
    assert summarize(again)
    assert len(told) == 1
    assert "is discarded and measured again" in told[0]
    assert len(kept) == 3


def test_the_first_contact_is_tried_again_like_later_ones() -> None:
    tries: list[bool] = []

    @contextmanager
    def connect(again: bool) -> Iterator[Fake]:
        tries.append(again)
        if len(tries) < 3:
            raise Unreachable("nobody answers")
        yield Fake()

    told: list[str] = []
    with resumable(connect, [], lambda record: None, told.append, [0.0, 0.0]) as board:
        assert board.passport == {"cpu": "x"}
    assert len(told) == 2
    tries.clear()
    with pytest.raises(Unreachable), resumable(connect, [], lambda record: None, told.append, [0.0]):
        pass
