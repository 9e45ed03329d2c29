"""Tests sweeps that resume: real commands on small tables, interrupted, failing, in parallel.

tests/faults kills sweeps.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments.config import command
from experiments.status import status
from experiments.sweep import jobs
from experiments.sweep.jobs import jobs_of
from tests.commands import ROOT
from tests.experiments.swept_tables import House, new_tables


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    return new_tables(tmp_path / "house")


def test_two_sweeps_in_one_folder_share_the_jobs(house: House) -> None:
    first = house.start(house.arguments("ab"), ("front.csv", 2), signal.SIGSTOP)
    os.waitpid(first.process, os.WUNTRACED)
    assert house.states() == {"done": 1, "running": 1, "missing": 2}
    assert [Path(job.step).parent.name for job in jobs_of(house.sweep) if job.state == "running"] == ["exact"]
    second = house.start(house.arguments("ab"))
    while house.states()["done"] < 3:
        time.sleep(0.01)
    assert house.states() == {"done": 3, "running": 1}
    assert jobs.swept(house.sweep)
    os.kill(first.process, signal.SIGCONT)
    (code, out), (other_code, other_out) = first.end(), second.end()
    assert (code, other_code) == (0, 0)
    assert "skipped, another process runs it" in other_out
    assert out.count("finished before") + other_out.count("finished before") == 3  # all but the skipped one
    assert house.states() == {"done": 4}
    assert not jobs.swept(house.sweep)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 2)])
def test_a_job_that_was_stopped_is_interrupted_and_runs_again(house: House, sent: signal.Signals, code: int) -> None:
    stopped, out = house.start(house.arguments("a"), ("step.txt", 2), sent).end()
    assert stopped == code
    assert house.states() == {"done": 1, "interrupted": 1}
    assert ("interrupted; the same command continues" in out) == (sent == signal.SIGINT)
    code, out = house.start(house.arguments("a")).end()
    assert (code, out.count("finished before")) == (0, 1)


def test_what_failed_says_why_and_runs_again_when_mended(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = house.folder / "a.csv"
    whole = table.read_text()
    table.write_text(f"{whole}\n0000,1,1,1")
    code, out = house.start(house.arguments("ab")).end()
    assert code == 2
    assert out.splitlines()[-1].startswith("error: 2 of 4 jobs failed: ")
    assert "a.csv" in out.splitlines()[-1]
    assert "b.csv" not in out.splitlines()[-1]
    assert house.states() == {"done": 2, "failed": 2}
    (reason, _) = [path.read_text() for path in house.sweep.glob("*/reason.txt")]
    assert reason.count("\n") == 1
    assert "line 29" in reason
    monkeypatch.setattr(sys, "argv", ["status", f"runs={house.folder / 'runs'}", "status.follow=true"])
    command.run(status)
    shown = capsys.readouterr().out
    assert "2 done, 2 failed of 4" in shown
    assert "line 29" in " ".join(shown.split())
    table.write_text(whole)
    code, out = house.start(house.arguments("ab")).end()
    assert (code, out.count("finished before")) == (0, 2)
    assert house.states() == {"done": 4}


def test_a_finished_job_is_done_again_when_anything_that_it_depends_on_changes(house: House) -> None:
    def skipped(*more: str) -> int:
        code, out = house.start([*house.arguments("a"), "exact.latency=fast_ms", *more]).end()
        assert code == 0
        return out.count("finished before")

    assert [skipped(), skipped(), skipped("exact.budget_ms=80")] == [0, 1, 0]
    (house.folder / "a.csv").write_text((house.folder / "a.csv").read_text() + "\n")
    assert [skipped(), skipped()] == [0, 1]
    for path in (house.folder / "runs" / "exact").glob("*/*"):
        path.unlink()
    for path in (house.folder / "runs" / "exact").iterdir():
        path.rmdir()
    assert skipped() == 0


def test_a_sweep_reports_what_its_jobs_depend_on_now(house: House) -> None:
    """Not what the latest attempt with these words depended on."""
    path = house.folder / "a.csv"
    first, other = path.read_bytes(), (house.folder / "b.csv").read_bytes()

    def made() -> list[str]:
        code, _ = house.start(house.arguments("a")).end()
        assert code == 0
        return (house.sweep / "sweep.csv").read_text().splitlines()

    found = {}
    for content in (first, other, first, other):
        path.write_bytes(content)
        assert found.setdefault(content, made()) == made()
    assert found[first] != found[other]
    path.write_text("broken")
    assert house.start(house.arguments("a")).end()[0] == 2
    path.write_bytes(first)
    assert made() == found[first]


@pytest.mark.parametrize("launcher", [["joblib", "hydra.launcher.n_jobs=2"], ["submitit_local"]])
def test_jobs_side_by_side_keep_their_states_and_the_exit_code(house: House, launcher: list[str]) -> None:
    (house.folder / "a.csv").write_text("ops,percent,fast_ms,slow_ms\nx,1,1,1")
    parallel = [f"hydra/launcher={launcher[0]}", *launcher[1:], "exact.latency=fast_ms"]
    started = [sys.executable, "-m", "experiments.exact", *house.arguments("ab"), *parallel]
    done = subprocess.run(started, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: 1 of 2 jobs failed: ")
    assert house.states() == {"done": 1, "failed": 1}
    (made,) = house.sweep.glob("*/result.json")
    assert "on the front" in (made.parent / "log.txt").read_text()
    assert "on the front" not in done.stdout
