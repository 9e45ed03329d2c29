"""The record of a session on the device: one row per timed file, as stored and as displayed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from rich.table import Table

from experiments.store import artefacts
from experiments.store.json_records import typed
from paper.compression_rows import Stage
from predictors.timing.slowdown import Slowdown
from search_spaces.documents import DamagedError, read_json

RECORD = "benchmark.json"
ADDED = {"balanced_accuracy", "latency_low_s", "latency_high_s"}  # missing in records of earlier versions


@dataclass(frozen=True)
class Session:
    """How a session went: its verdict, and by precision how much slower the machine was than for the table.

    `intervals`: the 95 % interval of each file's median latency in seconds, by the file's sha256.
    """

    slowdowns: Mapping[str, Slowdown]
    state: str = "unknown"  # clean, noisy or throttled
    reasons: Sequence[str] = ()
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def interval(self, row: Stage) -> tuple[float, float]:
        """The interval of a row's median; only the median itself in records of earlier versions."""
        return self.intervals.get(row.sha256, (row.latency_median_s, row.latency_median_s))

    def lines(self) -> list[str]:
        """The session formatted for people."""
        lines = [f"The benchmark's session was {self.state}: {'; '.join(self.reasons)}"]
        changes = [
            f"{abs(slower.ratio - 1):.1%} {'longer' if slower.ratio > 1 else 'less'} in {precision}"
            for precision, slower in self.slowdowns.items()
        ]
        if changes:
            lines.append(
                f"Networks of the latency table took {' and '.join(changes)} than when it was measured; the "
                "predictions are for the machine's speed during the benchmark."
            )
        return lines


def write_rows(folder: Path, rows: Sequence[Stage], session: Session, golden: float) -> None:
    """Writes the record. `golden`: the largest difference of logits, as a fraction of a file's largest logit."""
    record = {"session": asdict(session), "golden": golden, "rows": [asdict(row) for row in rows]}
    artefacts.write(folder / RECORD, json.dumps(record, indent=1) + "\n")


def read_rows(folder: Path) -> tuple[list[Stage], Session]:
    """The rows, with the intervals of their latencies, and how their session went."""
    path = folder / RECORD
    found = read_json(path, "record of a session")
    rows, session = found.get("rows"), found.get("session")
    columns = {one.name for one in fields(Stage)}  # none but ADDED is optional here
    if not isinstance(rows, list) or any(not isinstance(row, dict) or {*row} | ADDED != columns for row in rows):
        raise DamagedError(f"{path} is damaged: each of its rows must have the fields {', '.join(sorted(columns))}")
    known = typed(Session, session, f"{path}: session")
    return [_with_interval(row, known) for row in typed(list[Stage], rows, f"{path}: rows")], known


def _with_interval(row: Stage, session: Session) -> Stage:
    if row.sha256 not in session.intervals:
        return row
    low, high = session.intervals[row.sha256]
    return replace(row, latency_low_s=low, latency_high_s=high)


def percent(accuracy: float | None) -> str:
    """An accuracy formatted for a table; empty if there is none."""
    return "" if accuracy is None else f"{100 * accuracy:.2f}"


def show_rows(rows: Sequence[Stage], title: str, names: Mapping[str, str] = {}, deployed: str = "") -> Table:
    """The rows formatted for people: milliseconds, percent, kilobytes. `deployed`: the sha256 of a file to mark."""
    uneven = any(row.balanced_accuracy is not None for row in rows)
    columns = ["stage", "", "val %", "test %", *(["balanced %"] if uneven else []), "median ms", "p90 ms"]
    columns += ["predicted ms", "KB", "MMACs", "params", "steps"]
    table = Table(*columns, title=title)
    for column in table.columns[2:]:
        column.justify = "right"
    for row in rows:
        accuracies = [percent(row.validation_accuracy), percent(row.test_accuracy)]
        if uneven:
            accuracies.append(percent(row.balanced_accuracy))
        seconds = (row.latency_median_s, row.latency_p90_s, row.predicted_s)
        latencies = ["" if value is None else f"{1e3 * value:.3f}" for value in seconds]
        sizes = [f"{row.file_bytes / 1e3:.1f}", f"{row.macs / 1e6:.2f}", f"{row.parameters:,}"]
        sizes.append("" if row.steps is None else f"{row.steps:,}")
        name = names.get(row.stage, row.stage) + (", deployed" if row.sha256 == deployed else "")
        table.add_row(name, row.precision, *accuracies, *latencies, *sizes)
    return table
