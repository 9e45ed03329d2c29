"""python -m experiments.tables: lists the latency tables; tables.action=compare or verify examines them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
from rich.table import Table

from experiments.config import Config, command
from experiments.config.reference import Reference
from experiments.display.progress import console
from predictors.board.fingerprint import DECIDING, runtime_of
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import read_table
from search_spaces.errors import LutraError, unknown

COMPARE = Reference("predictors.tables.comparison:compare")
PROBLEMS = Reference("predictors.tables.verify:problems")
SHOWN = 10  # how many of the rows with the largest change to show


def tables(config: Config) -> None:
    """Lists, compares or verifies tables."""
    if config.tables.action not in ACTIONS:
        raise unknown("action", config.tables.action, ACTIONS)
    ACTIONS[config.tables.action](config)


def listed(config: Config) -> None:
    """One row per table below `runs`; for an unreadable file, the reason."""
    columns = ("space", "device", "runtime", "rows", "rounds", "verdict", "held-out error", "date", "folder")
    shown = Table(*columns, title=f"Latency tables in {config.runs}/measure")
    shown.columns[-1].no_wrap = True
    for path in _found(config):
        date = datetime.fromtimestamp(path.stat().st_mtime).strftime("%Y-%m-%d")
        try:
            shown.add_row(*_row(read_table(path)), date, path.parent.name)
        except LutraError as error:
            shown.add_row("?", "", "", "", "", str(error).removeprefix(f"{path}: "), "", date, path.parent.name)
    console.print(shown)


def compared(config: Config) -> None:
    """How `b` differs from `a`, for each precision."""
    a, b = (_given(name, getattr(config.tables, name)) for name in ("a", "b"))
    differing = [key for key in DECIDING if a.passport.get(key) != b.passport.get(key)]
    for key in differing:
        console.print(f"{key}: {a.passport.get(key)} in a, {b.passport.get(key)} in b", highlight=False)
    for found in COMPARE(a, b):
        title = f"{found.precision}: b takes {found.ratio:.3f} times as long as a, Kendall's tau {found.tau:.3f}"
        shown = Table("the layers that changed most", "a, us", "b, us", "relative to all layers", title=title)
        for row in found.moved[:SHOWN]:
            shown.add_row(str(row.spec), f"{1e6 * row.a:.1f}", f"{1e6 * row.b:.1f}", f"{100 * (row.beyond - 1):+.1f} %")
        console.print(shown)


def verified(config: Config) -> None:
    """Recomputes tables from their raw samples. Raises LutraError with the first value that differs."""
    paths = [Path(config.tables.a)] if config.tables.a else _found(config)
    for path in paths:
        table = read_table(path)
        wrong = PROBLEMS(table)
        if wrong:
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            raise LutraError(f"{path}: {wrong[0]}{more}; do not use this table, measure it again")
        samples = sum(len(r.order) for r in table.rounds)
        console.print(
            f"{path}: its hash is valid, and {len(table.rows)} rows, {len(table.corrections)} corrections, "
            f"{len(table.networks)} networks and the verdict follow from its {samples} samples. No file can prove that "
            "samples, device fingerprint and space are those that were measured",
            soft_wrap=True,
            highlight=False,
        )


ACTIONS: dict[str, Callable[[Config], None]] = {"list": listed, "compare": compared, "verify": verified}


def _found(config: Config) -> list[Path]:
    """Every table below `runs`. Raises LutraError if there is none."""
    paths = sorted(Path(config.runs).glob("measure/*/table.json"))
    if not paths:
        raise LutraError(f"there is no table in {config.runs}; measure one: python -m experiments.measure")
    return paths


def _given(name: str, path: str) -> LatencyTable:
    if not path:
        raise LutraError(f"compare needs two tables: add tables.{name}=PATH; python -m experiments.tables lists them")
    return read_table(Path(path))


def _row(table: LatencyTable) -> list[str]:
    errors = []
    for precision in table.corrections:
        rows = [row for row in table.networks if row.precision == precision]
        mean = np.mean([abs(row.held_out / row.measured - 1) for row in rows])
        errors.append(f"{precision} {100 * mean:.1f} %")
    counts = [f"{precision} {sum(kind == precision for kind, _ in table.rows)}" for precision in table.corrections]
    verdict = f"{table.verdict.state}{' (board unknown)' if table.verdict.unknown else ''}"
    runtime = runtime_of(table.passport)
    return [table.space, table.device, runtime, ", ".join(counts), str(len(table.rounds)), verdict, ", ".join(errors)]


if __name__ == "__main__":
    command.run("experiments.tables:tables")
