"""Sweeps that resume: real commands on small tables of networks, killed, interrupted, failing, side by side."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from experiments import artefacts, command, jobs
from experiments.exact import exact
from experiments.jobs import jobs_of
from experiments.status import status

ROOT = Path(__file__).parents[1]
TABLES, COLUMNS = "abcdef", ("fast_ms", "slow_ms")  # twelve jobs
Event = tuple[str, int]  # a part of a file's name, and which of its renames into place


class Started(NamedTuple):
    process: int
    output: Path

    def end(self) -> tuple[int, str]:
        """The exit code, and what was said."""
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1]), self.output.read_text()


class House(NamedTuple):
    """A folder of published networks, and what is swept over them."""

    folder: Path

    @property
    def sweep(self) -> Path:
        return self.folder / "runs" / "sweeps" / "exact"

    def arguments(self, tables: Sequence[str] = TABLES) -> list[str]:
        paths = ",".join(str(self.folder / f"{name}.csv") for name in tables)
        columns = f"exact.latency={','.join(COLUMNS)}"
        return ["--multirun", f"runs={self.folder / 'runs'}", f"exact.csv={paths}", columns, "exact.accuracy=percent"]

    def start(self, arguments: Sequence[str], at: Event = ("", 0), send: signal.Signals = signal.SIGKILL) -> Started:
        """The command, in a process group of its own, which gets the signal at the event."""
        output = self.folder / f"output{time.monotonic_ns()}"
        if process := os.fork():
            return Started(process, output)
        code: object = 70
        try:
            os.setsid()
            sys.stdout = sys.stderr = open(output, "w", buffering=1)  # noqa: SIM115
            sys.addaudithook(_signals(at, send))
            sys.argv = ["experiments.exact", *arguments]
            command.run(exact)
            code = 0
        except SystemExit as stop:
            code = stop.code
        finally:
            sys.stdout.flush()
            os._exit(code if isinstance(code, int) else 70)

    def states(self) -> Counter[str]:
        return Counter(job.state for job in jobs_of(self.sweep))

    def results(self) -> dict[str, str]:
        """The sweep's table, and all that its jobs made, wherever the folder is."""
        table = (self.sweep / "sweep.csv").read_text().replace(str(self.folder), "")
        return {"table": table} | {
            str(path.relative_to(self.folder)): artefacts.sha256(path)
            for path in self.folder.glob("runs/exact/*/*.csv")
        }


def _signals(at: Event, send: signal.Signals) -> Callable[[str, tuple[object, ...]], None]:
    name, left = at

    def hook(event: str, details: tuple[object, ...]) -> None:
        nonlocal left
        if event == "os.rename" and name in str(details[1]):
            left -= 1
            if left == 0:
                os.killpg(os.getpid(), send)

    return hook


def new_tables(folder: Path) -> House:
    """A new folder with the tables of networks that are swept over."""
    folder.mkdir()
    for table in TABLES:
        rng = Random(table)
        lines = ["ops,percent,fast_ms,slow_ms"]
        for picks in itertools.product("012", repeat=3):
            lines.append(",".join(["".join(picks), *(str(rng.uniform(1, 90)) for _ in range(3))]))
        (folder / f"{table}.csv").write_text("\n".join(lines))
    return House(folder)


@pytest.fixture
def new_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], House]:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")

    def build(name: str) -> House:
        return new_tables(tmp_path / name)

    return build


@pytest.fixture
def house(new_house: Callable[[str], House]) -> House:
    return new_house("house")


def test_twelve_jobs_killed_five_times_end_as_if_undisturbed(new_house: Callable[[str], House]) -> None:
    disturbed, undisturbed, rng = new_house("one"), new_house("two"), Random(0)
    for _ in range(5):
        done = disturbed.states()["done"]
        code, out = disturbed.start(disturbed.arguments(), ("/", rng.randrange(4, 13))).end()
        assert code == -signal.SIGKILL
        assert out.count("finished before") <= done
        assert disturbed.states()["running"] == disturbed.states()["failed"] == 0
        assert disturbed.states()["done"] >= done
    done = disturbed.states()["done"]
    assert 0 < done < 12
    code, out = disturbed.start(disturbed.arguments()).end()
    assert (code, out.count("finished before")) == (0, done)
    assert undisturbed.start(undisturbed.arguments()).end()[0] == 0
    assert disturbed.results() == undisturbed.results()
    assert len(undisturbed.results()) == 13


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
    assert out.count("finished before") + other_out.count("finished before") == 3  # eight looks at four jobs
    assert house.states() == {"done": 4}
    assert not jobs.swept(house.sweep)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 2)])
def test_a_job_that_was_stopped_is_interrupted_and_runs_again(house: House, sent: signal.Signals, code: int) -> None:
    stopped, out = house.start(house.arguments("a"), ("step.txt", 2), sent).end()
    assert stopped == code
    assert house.states() == {"done": 1, "interrupted": 1}
    assert ("interrupted; the same command goes on" in out) == (sent == signal.SIGINT)
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
        code, out = house.start([*house.arguments("a"), *more]).end()
        assert code == 0
        return out.count("finished before")

    assert [skipped(), skipped(), skipped("exact.budget_ms=80")] == [0, 2, 0]
    (house.folder / "a.csv").write_text((house.folder / "a.csv").read_text() + "\n")
    assert [skipped(), skipped()] == [0, 2]
    for path in (house.folder / "runs" / "exact").glob("*/*"):
        path.unlink()
    for path in (house.folder / "runs" / "exact").iterdir():
        path.rmdir()
    assert skipped() == 0


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
