"""Tests targets that no network meets, or that every network does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from experiments.config import ObjectiveConfig
from experiments.setup.targets import costs_of, idle_targets, objective_of
from predictors.costs import LATENCY, NAMES
from search_spaces.errors import LutraError
from search_spaces.spaces.tiny import tiny
from tests.experiments.made_up_table import made_up_table

SPACE = tiny(1, 16, 10)
BELOW, ABOVE = 1 - 1e-9, 1 + 1e-9


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("name", NAMES)
def test_a_target_decides_between_the_least_and_the_most_of_a_cost(name: str, precision: str) -> None:
    table = made_up_table(SPACE, {})
    goal = ObjectiveConfig(costs=[*dict.fromkeys([LATENCY, name])], target_fraction=1.0)
    cost = costs_of(goal, precision, SPACE, table)[name]
    least, most = cost(cost.lowest), cost(cost.highest)

    def remark(target: float) -> str:
        key, scale = ("target_ms", 1e3) if name == LATENCY else ("target_kb", 1e-3)
        own = replace(goal, **{key: scale * target})
        objective_of(own, precision, SPACE, table)
        return idle_targets(own, precision, SPACE, table)

    with pytest.raises(LutraError, match="no network"):
        remark(least * BELOW)
    assert f"a {name} of" not in remark(least * ABOVE)
    assert f"a {name} of" not in remark(most * BELOW)
    assert f"a {name} of" in remark(most * ABOVE)
