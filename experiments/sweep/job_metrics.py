"""The metrics of a job, read from its output folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from experiments.config.registry import LATENCY
from experiments.steps.finished_reports import deployed_in
from experiments.store.artefacts import MANIFEST
from experiments.store.winner import read_winner
from paper.csv_records import records
from predictors.board.measured_part import measured_part
from search_spaces.documents import read_csv, sha256
from search_spaces.published import number

COLUMNS = {"test_accuracy": "test_accuracy", "latency_s": "latency_median_s", "file_bytes": "file_bytes"}
TARGET = "target_s"  # the metric that the latency is compared with


def metrics(made: Path) -> dict[str, float]:
    """Metrics of a report's deployed file, a search's winner, or an exact front's most accurate network."""
    folder = made if made.is_dir() else made.parent
    if (folder / "stages.csv").exists() and (folder / MANIFEST).exists():
        deployed = sha256(measured_part(deployed_in(folder).read_bytes()))
        stages = records(folder / "stages.csv", dict.fromkeys(COLUMNS.values(), float) | {"sha256": str})
        final = next((row for row in stages if row["sha256"] == deployed), None)
        return {name: final[column] for name, column in COLUMNS.items()} | _target(folder) if final else {}
    if (folder / "winner.json").exists():
        winner = read_winner(folder)
        aimed = {TARGET: winner.targets[LATENCY]} if LATENCY in winner.targets else {}
        return {"validation_accuracy": winner.accuracy, "latency_s": winner.costs[LATENCY]} | aimed
    if (folder / "front.csv").exists():
        front = records(folder / "front.csv", {"accuracy": float, "latency_s": float})
        return max(front, key=lambda row: row["accuracy"])
    return {}


def _target(report: Path) -> dict[str, float]:
    """The latency target of the search behind a report, if it had one."""
    if not (report / "setup.csv").exists():
        return {}
    facts = {row["key"]: (where, row["value"]) for where, row in read_csv(report / "setup.csv", ("key", "value"))}
    where, value = facts.get("target_ms", ("", ""))
    return {TARGET: number(where, "target_ms", value) / 1e3} if value else {}


def misses(found: Mapping[str, float]) -> bool:
    """Whether the network with these metrics is slower than its target."""
    return found.get("latency_s", 0.0) > found.get(TARGET, float("inf"))
