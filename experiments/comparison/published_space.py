"""Published networks as architectures of a space of ours: the file has no digit for layers without a choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from search_spaces.errors import LutraError
from search_spaces.space import Arch, SearchSpace
from strategies.problems.tabular_problem import Table, read_csv


def accuracies(path: Path, options: str, seen: str, space: SearchSpace, reported: str = "") -> Table:
    """The file's networks with their accuracies; their latencies are unknown.

    Raises LutraError if the file is for another space.
    """
    table = read_csv(path, options, seen, seen, reported=reported)  # a column of percents in place of latencies
    searched = tuple(count for count in space.options if count > 1)
    if table.space.options != searched:
        raise LutraError(
            f"{path} has {len(table.space.options)} layers with {table.space.options} options, but {space.name} has "
            f"{searched}: NAS-Bench-Macro's file needs space=nasbench_macro"
        )
    return table


def with_latencies(table: Table, space: SearchSpace, seconds: Callable[[Arch], float]) -> Table:
    """The same networks, with latencies predicted for our space."""
    return replace(table, latency={picks: seconds(whole(picks, space)) for picks in table.accuracy})


def whole(picks: Sequence[int], space: SearchSpace) -> Arch:
    """The architecture including the layers with a single option."""
    rest = iter(picks)
    return tuple(next(rest) if count > 1 else 0 for count in space.options)
