"""Tests searches in which candidates near the target are timed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

import pytest

from search_spaces.space import Arch
from strategies.problems.objective import Bounded
from strategies.problems.problem import Strategy, best
from strategies.problems.search import search
from tests.strategies.toys import SECONDS, every_strategy, toy

TARGET, FACTOR = 0.014, 1.1  # seconds; how far predictions are off at most


def measured(arch: Arch) -> float:
    return SECONDS(arch) * FACTOR ** Random(f"{arch}").uniform(-1, 1)


@every_strategy
def test_what_prediction_leaves_open_is_timed_once_and_decides(strategy: Strategy) -> None:
    asked: list[Arch] = []

    def timed(archs: Sequence[Arch]) -> Mapping[Arch, float]:
        near = [arch for arch in archs if SECONDS(arch) >= TARGET / FACTOR]
        asked.extend(near)
        return {arch: measured(arch) for arch in near}

    plain = toy(Bounded({"latency": TARGET}))
    problem = replace(plain, drawn=Bounded({"latency": FACTOR * TARGET}), timed=timed)
    candidates = list(search(strategy, problem, Random(0), 100))
    assert {one.arch for one in candidates if one.timed} == {*asked}
    assert len(asked) == len({*asked})
    assert {one.timed for one in candidates} == {True, False}
    for one in candidates:
        assert SECONDS(one.arch) <= FACTOR * TARGET
        assert one.costs["latency"] == (measured if one.timed else SECONDS)(one.arch)
        assert one.timed == (SECONDS(one.arch) >= TARGET / FACTOR)
        assert one.feasible == (measured(one.arch) <= TARGET)  # also where it was not timed
    assert measured(best(candidates).arch) <= TARGET

    def never(archs: Sequence[Arch]) -> Mapping[Arch, float]:
        pytest.fail("a stored candidate was timed or evaluated again")

    known = {one.arch: one.accuracy for one in candidates}
    again = replace(problem, memo=known, latencies={**problem.latencies}, timed=never)
    assert list(search(strategy, again, Random(0), 100)) == candidates
