"""Tests the schedule by which sparsity grows."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compress.weights.sparsify import Schedule
from search_spaces.errors import LutraError

FRACTIONS = st.floats(0, 0.99)


@given(FRACTIONS, st.integers(1, 300), FRACTIONS, FRACTIONS, st.integers(1, 50))
def test_sparsity_grows_from_nothing_to_all_that_is_asked(
    final: float, steps: int, one: float, other: float, every: int
) -> None:
    schedule = Schedule(final, steps, min(one, other), max(one, other), every)
    grown = [schedule.at(step) for step in range(steps)]
    assert all(a <= b for a, b in itertools.pairwise(grown))
    assert set(grown[: schedule.first]) <= {0}
    assert set(grown[schedule.last :]) == {final}
    cuts = [step for step in range(steps) if schedule.prunes_at(step)]
    assert cuts[-1] == schedule.last
    assert cuts[0] == schedule.first
    assert all(b - a <= every for a, b in itertools.pairwise(cuts))


def test_the_cubic_is_the_papers() -> None:
    schedule = Schedule(0.8, 100, begin=0.2, end=0.6, every=10)
    for step in range(20, 60):
        expected = 0.8 + (0 - 0.8) * (1 - (step - 20) / (4 * 10)) ** 3  # equation 1: n cuts, delta_t steps apart
        assert schedule.at(step) == pytest.approx(expected)


@pytest.mark.parametrize(
    "arguments", [{"sparsity": 1}, {"sparsity": -0.1}, {"begin": 0.7}, {"end": 1}, {"every": 0}, {"steps": 0}]
)
def test_no_schedule_is_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(LutraError, match=r"sparsity is a fraction|invalid pruning schedule"):
        Schedule(**{"sparsity": 0.5, "steps": 10, **arguments})  # type: ignore[arg-type]
