"""Tests the rounds of measuring: their order, their end, and their continuation after a cut."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictors.board.local_device import local
from predictors.board.resumable import resumable
from predictors.board.simulated import Disturbance
from predictors.timing.judgement import judge
from predictors.timing.rounds import Protocol, interleaved, measure, open_rows, reference_files
from predictors.timing.values import rows_of
from search_spaces.layers import MBConv
from search_spaces.networks.onnx_writer import random_weights, write
from tests.predictors.timing.simulated_sessions import NINE, board_in, files, judged, session


def test_a_quiet_session_is_clean_and_says_how_well_it_knows() -> None:
    rounds = session(Disturbance(), protocol=Protocol())
    told = judged(rounds, Protocol())
    assert (told.state, told.rejected, told.unknown) == ("clean", (), ())
    assert told.lines() == ["clean: all 60 files are known within 2 %"]
    assert open_rows(rows_of(files()), judge(rounds), Protocol()) == ()


def test_files_that_the_cap_leaves_open_are_named_the_worst_first() -> None:
    strict = replace(NINE, within=0.001)
    told = judged(session(Disturbance()), strict)
    assert told.state == "noisy"
    assert "60 of 60 files are not yet known well enough: f" in told.reasons[-1]
    assert told.reasons[-1].endswith("and 55 more")


@given(st.integers(1, 200), st.integers(1, 3), st.randoms())
def test_reference_files_begin_and_end_every_round_and_are_never_far(count: int, kinds: int, rng: object) -> None:
    names, chosen = [f"f{i}" for i in range(count)], [f"s{i}" for i in range(kinds)]
    order = interleaved([*names, *chosen], chosen, rng)  # type: ignore[arg-type]
    assert {*order[:kinds]} == {*order[-kinds:]} == {*chosen}
    assert sorted(name for name in order if name not in chosen) == sorted(names)
    places = [index for index, name in enumerate(order) if name in chosen]
    assert max(b - a for a, b in pairwise(places)) <= 25


@pytest.mark.parametrize("cuts", [(0.0,), (4.0, 9.0), (1.0, 1.2, 1.4, 13.0)])
def test_a_cut_session_goes_on_as_if_it_had_not_been(cuts: tuple[float, ...]) -> None:
    """There is no noise, so samples do not depend on when they were taken."""
    board = board_in(Disturbance(noise=0, cuts=cuts))
    told: list[str] = []
    with resumable(lambda again: nullcontext(board), [], lambda record: None, told.append, pauses=(0, 0, 0)) as patient:
        rounds = list(measure(patient, files(), NINE))
    assert [(r.order, r.seconds) for r in rounds] == [(r.order, r.seconds) for r in session(Disturbance(noise=0))]
    assert len(told) == len(cuts)


def test_rounds_go_on_until_the_bound_and_no_longer() -> None:
    """A real agent measures on this machine."""
    specs = (MBConv(16, 48, 16, 3, 1, 8),)
    onnx = {"a": write(specs, random_weights(specs)), "b": write(specs, random_weights(specs, 1))}
    quick = Protocol(min_rounds=3, max_rounds=5, sample_seconds=0.001, within=1e9)
    strict = replace(quick, within=0.0)
    with local(threads=1) as board:
        rounds = list(measure(board, onnx, strict, each=True))
    assert len(rounds) == 5
    assert {name for r in rounds for name in r.order} == {"a", "b"} == {*reference_files(onnx, quick)}
    assert all(sum(single) >= 0.001 and min(single) > 0 for r in rounds for single in r.singles)
    assert {"load", "boot_id", "throttled", "temperature_mc"} <= set(rounds[0].before)
