"""The costs that a search trades against accuracy, and the objective with a target for each cost."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.config import ObjectiveConfig
from experiments.store.artefacts import arch_name
from predictors import costs
from predictors.costs import LATENCY
from predictors.models.layer_costs import LayerCost
from predictors.tables.table import LatencyTable
from search_spaces.errors import LutraError
from search_spaces.space import SearchSpace
from strategies.problems.objective import Bounded, Costs, MnasNet, Objective, Pareto


def costs_of(goal: ObjectiveConfig, precision: str, space: SearchSpace, table: LatencyTable) -> Mapping[str, LayerCost]:
    """The costs by name, in the configured order, in the given precision."""
    return costs.layer_costs(goal.costs, space, precision, table)


def objective_of(goal: ObjectiveConfig, precision: str, space: SearchSpace, table: LatencyTable) -> Objective:
    """The objective with its targets. Raises LutraError if no network meets one."""
    known = costs_of(goal, precision, space, table)
    if goal.name == "pareto":
        return Pareto({name: cost(cost.highest) for name, cost in known.items()})
    targets = targets_of(goal, precision, space, table)
    for name, cost in known.items():
        least = cost(cost.lowest)
        if targets[name] < least:
            raise beyond_reach(
                f"{space.name} in {precision}", name, targets[name], f", that of {arch_name(cost.lowest)}", least
            )
    return chosen(goal, targets)


def idle_targets(
    goal: ObjectiveConfig, precision: str, space: SearchSpace, table: LatencyTable, margin: float = 1.0
) -> str:
    """A remark on bounds that every network meets, which therefore decide nothing; empty where there are none.

    `margin`: the factor within which a latency is known.
    """
    if goal.name != "bounded":
        return ""
    known, targets = costs_of(goal, precision, space, table), targets_of(goal, precision, space, table)
    most = {name: cost(cost.highest) for name, cost in known.items()}
    met = [name for name in known if targets[name] >= most[name] * (margin if name == LATENCY else 1)]
    told = "; ".join(
        f"a {name} of {costs.unit(name).text(targets[name])} or less (at most {costs.unit(name).text(most[name])})"
        for name in met
    )
    keys = dict.fromkeys(_key(name) if _given(goal, name) else "objective.target_fraction" for name in met)
    where = f"every network in {space.name} in {precision}"
    return f"{where} has {told}, so this bound decides nothing: lower {' and '.join(keys)}" if met else ""


def chosen(goal: ObjectiveConfig, targets: Costs) -> Objective:
    """`bounded` or `mnasnet`."""
    return Bounded(targets) if goal.name == "bounded" else MnasNet(targets, goal.weight)


def beyond_reach(space: str, name: str, target: float, whose: str, least: float) -> LutraError:
    """`whose`: which network has the least, as words after its value; may be empty."""
    unit = costs.unit(name)
    return LutraError(
        f"no network in {space} has a {name} of {unit.text(target)} or less: the least is {unit.text(least)}{whose}; "
        f"raise {_key(name)} or objective.target_fraction"
    )


def _given(goal: ObjectiveConfig, name: str) -> float | None:
    return goal.target_ms if name == LATENCY else goal.target_kb


def _key(name: str) -> str:
    return "objective.target_ms" if name == LATENCY else "objective.target_kb"


def targets_of(goal: ObjectiveConfig, precision: str, space: SearchSpace, table: LatencyTable) -> dict[str, float]:
    """Targets by name: as given, or a fraction of the hand-made reference's cost; latency uses its measured value."""
    known = costs_of(goal, precision, space, table)
    measured = {row.arch: row.measured for row in table.networks if row.precision == precision}
    reference = {name: cost(space.reference) for name, cost in known.items()} | {LATENCY: measured[space.reference]}
    return {name: given(goal, name, goal.target_fraction * reference[name]) for name in known}


def given(goal: ObjectiveConfig, name: str, otherwise: float) -> float:
    """The target in seconds or bytes: the configured one, or else `otherwise`."""
    value = _given(goal, name)
    return otherwise if value is None else value / costs.unit(name).scale


def target_of(goal: ObjectiveConfig, precision: str, space: SearchSpace, table: LatencyTable) -> float:
    """The target for latency, in seconds."""
    return targets_of(goal, precision, space, table)[LATENCY]
