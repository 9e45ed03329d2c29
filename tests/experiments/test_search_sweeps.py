"""Tests sweeps over searches: they share the table and the supernet, and go on after a job that fails."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.commands import Command, Finished, copy_steps
from tests.experiments.outcomes import one_line


def test_a_sweep_of_strategies_and_seeds_shares_table_and_supernet(
    finished: Finished, command: Command, tmp_path: Path
) -> None:
    copy_steps(finished, tmp_path, "measure", "train")
    for choices in (
        ("strategy=random,surrogate", "seed=0,1"),
        ("strategy=darts", "strategy.options.every=1", "seed=0"),
    ):
        arguments = (*finished.arguments, f"runs={tmp_path}", *choices, "search.budget=2")
        done = command("search", "--multirun", *arguments)
        assert (done.code, done.err) == (0, "")
    assert [len(list((tmp_path / step).iterdir())) for step in ("measure", "train", "search")] == [2, 1, 5]
    assert {path.name for path in tmp_path.iterdir()} == {"measure", "train", "search", "sweeps"}
    for folder in (tmp_path / "search").iterdir():
        events = EventAccumulator(str(folder)).Reload()
        with open(folder / "candidates.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        assert {bool(row["discretization_cost"]) for row in rows} == {"-darts-" in folder.name}
        for name, column, factor in (("accuracy",) * 2 + (1,), ("latency_ms", "latency_s", 1e3), ("score",) * 2 + (1,)):
            shown = [event.value for event in events.Scalars(f"candidate/{name}")]
            assert shown == pytest.approx([factor * float(row[column]) for row in rows], rel=1e-6)
        best = [event.value for event in events.Scalars("candidate/best_score")]
        assert best == sorted(best)
        assert "pareto" in events.Tags()["images"]
        hparams = {"_hparams_/experiment", "_hparams_/session_start_info", "_hparams_/session_end_info"}
        assert hparams <= set(events.summary_metadata)
        assert {(row["strategy"], row["seed"]) for row in rows} == {(folder.name.split("-")[2], folder.name[-10])}


def test_a_job_that_fails_does_not_stop_the_others(finished: Finished, command: Command, tmp_path: Path) -> None:
    copy_steps(finished, tmp_path, "measure", "train")
    choices = ("strategy=random", "search.budget=2", "objective.target_ms=0.000001,1000")
    done = command("search", "--multirun", *finished.arguments, f"runs={tmp_path}", *choices)
    assert done.code == 2
    assert "has a latency of 1e-06 ms or less" in done.out
    assert "1 of 2 jobs failed: objective.target_ms=1e-06" in one_line(done.err).replace("0.000001", "1e-06")
    assert len(list(tmp_path.glob("search/*/winner.json"))) == 1
