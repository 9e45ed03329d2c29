"""Tests that `status` marks jobs whose network misses its target, and the search's bar shows the best so far."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from experiments import status
from experiments.steps.search import best_so_far
from experiments.store import artefacts
from experiments.store.winner import Winner
from experiments.sweep import job_metrics, jobs
from experiments.sweep.jobs import Job
from strategies.problems.objective import Bounded, MnasNet, Objective, Pareto
from strategies.problems.problem import Candidate

TARGETS = {"latency": 0.002, "size": 1e5}


@pytest.mark.parametrize(
    ("objective", "targets"),
    [(Bounded(TARGETS), TARGETS), (MnasNet(TARGETS), TARGETS), (Pareto(TARGETS), {}), ("?", {})],
)
def test_a_winner_knows_the_targets_of_its_search(objective: Objective, targets: dict[str, float]) -> None:
    assert Winner((0,), 0.9, {"latency": 0.001}, 0.9, str(objective)).targets == targets


@pytest.mark.parametrize(("latency", "missed"), [(0.001, False), (0.002, False), (0.0021, True)])
def test_status_marks_what_misses_its_target(
    latency: float, missed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f'{{"arch": [0], "accuracy": 0.9, "latency": {latency}, "score": 0.9, "objective": "{MnasNet(TARGETS)}"}}'
    artefacts.write(tmp_path / "winner.json", text)
    slow = Job(("search", "seed=0"), "done", tmp_path, metrics=job_metrics.metrics(tmp_path))
    good = Job(
        ("search", "seed=1"), "done", tmp_path, metrics={**slow.metrics, "validation_accuracy": 0.8, "latency_s": 0.001}
    )
    assert job_metrics.misses(slow.metrics) == missed
    monkeypatch.setattr(jobs, "jobs_of", lambda sweep: [slow, good])
    console = Console(width=200)
    with console.capture() as captured:
        console.print(status.overview(tmp_path))
    out = captured.get()
    assert ("1 of 2 miss their target: seed=0" in out) == missed
    assert out.count(" misses ") == missed
    assert f"most accurate so far: seed={int(missed)}" in out


@pytest.mark.parametrize(("target", "missed"), [("2.5", True), ("3.5", False), ("", False)])
def test_the_report_of_a_search_has_its_target(target: str, missed: bool, tmp_path: Path) -> None:
    def work(folder: Path) -> None:
        artefacts.write(folder / "int8.onnx", b"deployed")
        row = {"sha256": artefacts.sha256(folder / "int8.onnx"), "test_accuracy": 0.9, "latency_median_s": 0.003}
        artefacts.write_csv(folder / "stages.csv", [row | {"file_bytes": 1}])
        artefacts.write_csv(folder / "setup.csv", [{"key": "target_ms", "value": target}])

    found = job_metrics.metrics(artefacts.step(tmp_path, "report", "made", {}, {}, work))
    assert found["latency_s"] == 0.003
    assert job_metrics.misses(found) == missed


def test_the_bar_of_a_search_shows_the_best_so_far() -> None:
    told = best_so_far()
    scores = (0.5, 0.9, 0.7, 0.95, 0.1)
    lines = [told(Candidate((n,), score, {"latency": 0.001}, score, True)) for n, score in enumerate(scores)]
    assert [line.split()[3] for line in lines] == ["50.0%", "90.0%", "90.0%", "95.0%", "95.0%"]
