"""Tests that measuring continues after a broken link or a kill, and that bad rounds are neither kept nor used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from predictors.board.answer_validation import BadAnswer
from predictors.board.device import Unreachable
from predictors.board.local_device import local
from predictors.board.resumable import resumable
from predictors.timing.rounds import Protocol, measure, summarize
from search_spaces.errors import LutraError
from search_spaces.networks.onnx_writer import random_weights, write
from tests.predictors.board.cut_links import SHORT
from tests.predictors.board.sshd_lab import NET, SPACE

OTHER = SPACE.decode(SPACE.reference)


def test_finished_rounds_are_not_asked_again() -> None:
    """A command that was killed after three rounds continues with the fourth; other files are measured again."""
    kept: list[Any] = []
    files = {"a": NET, "b": NET}
    quick = replace(SHORT, min_rounds=5, max_rounds=5, sample_seconds=0.001)
    connect = lambda again: local(1)  # noqa: E731
    with resumable(connect, [], kept.append) as board:
        first = list(islice(measure(board, files, quick), 3))
    assert len(kept) == 3
    with resumable(connect, json.loads(json.dumps(kept)), kept.append) as board:
        again = list(measure(board, files, quick))
    assert (again[:3], len(again), len(kept)) == (first, 5, 5)
    with resumable(connect, kept, kept.append) as board:
        list(measure(board, {**files, "b": NET + b""}, quick))
    assert len(kept) == 5
    with resumable(connect, kept, kept.append) as board:
        list(measure(board, {**files, "b": write(OTHER, random_weights(OTHER))}, quick))
    assert len(kept) == 10


def test_a_board_that_restarted_or_is_another_is_told() -> None:
    told: list[str] = []
    flaky = Flaky()
    with resumable(lambda again: nullcontext(flaky), [], lambda record: None, told.append, [0.0, 0.0]) as board:
        board.load("net", NET)
        flaky.broken, flaky.boot = True, "second boot"
        assert board.round(["net"], 1)["samples"] == [[1.0, []]]
        assert told == ["the link broke; trying again in 0 s", RESTARTED]
        flaky.broken, flaky.passport = True, {"model": "another"}
        with pytest.raises(LutraError, match="another board answers now, with a different model"):
            board.round(["net"], 1)


RESTARTED = "the board has restarted; its unfinished round is measured again"


class Flaky:
    """A board whose link breaks at one request."""

    def __init__(self) -> None:
        self.threads, self.passport, self.boot, self.broken = 1, {"model": "one"}, "first boot", False

    def load(self, name: str, file: bytes) -> None:
        pass

    def ask(self, do: str, **arguments: Any) -> Any:
        if self.broken and do == "round":
            self.broken = False
            raise Unreachable("the link broke")
        state = {"boot_id": self.boot}
        return state if do == "state" else {"before": state, "samples": [[1.0, []]], "after": state}

    def round(self, order: Any, seconds: float, each: bool = False) -> Any:
        raise AssertionError


STATE = {"boot_id": "b", "cpu_seconds": 1.0, "clock_seconds": 1.0}


class Fake:
    """A board whose rounds are valid rounds, changed by a function."""

    threads, passport = 1, {"cpu": "x"}

    def __init__(self, spoil: Any = lambda samples: samples) -> None:
        self.spoil = spoil

    def load(self, name: str, file: bytes) -> None: ...

    def ask(self, do: str, **arguments: Any) -> Any:
        return STATE if do == "state" else self.round(**arguments)

    def round(self, order: Any, seconds: float, each: bool = False) -> dict[str, Any]:
        return {"before": STATE, "after": STATE, "samples": self.spoil([[1e-3, []] for _ in order])}


FILES = {f"f{number}": b"x" for number in range(4)}


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), "1e-3", None])
def test_a_bad_round_is_not_kept_and_one_of_the_past_is_measured_again(bad: Any) -> None:
    kept: list[Any] = []
    spoiled = Fake(lambda samples: [*samples[:-1], [bad, []]])
    with resumable(lambda again: nullcontext(spoiled), [], kept.append, print, ()) as board, pytest.raises(BadAnswer):
        list(measure(board, FILES, Protocol(2, 2)))
    assert kept == []
    with resumable(lambda again: nullcontext(Fake()), [], kept.append, print, ()) as board:
        good = list(measure(board, FILES, Protocol(2, 2)))
    old = json.loads(json.dumps(kept))
    old[0]["answer"]["samples"][-1][0] = bad
    told: list[str] = []
    with resumable(lambda again: nullcontext(Fake()), [{"no": 1}, *old], kept.append, told.append, ()) as board:
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
