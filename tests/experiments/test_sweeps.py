"""Tests sweeps that resume: real commands on small tables, interrupted, failing, in parallel.

tests/faults kills sweeps.
"""

from __future__ import annotations

import itertools
import os
import runpy
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from hydra.plugins.sweeper import Sweeper
from omegaconf import OmegaConf

from experiments.config import command
from experiments.config.schema import configured
from experiments.config.stored_schema import schema
from experiments.status import status
from experiments.steps import measure as measuring
from experiments.store import artefacts, keys, versions
from experiments.studies.exact import exact
from experiments.sweep import job_keys, jobs
from experiments.sweep.jobs import jobs_of
from predictors.board.fingerprint import PRECISIONS
from predictors.tables.assembly import file_name
from search_spaces.errors import LutraError
from tests.commands import ROOT

TABLES, COLUMNS = "abcdef", ("fast_ms", "slow_ms")  # twelve jobs
Event = tuple[str, int]  # part of a file's name, and which of its renames


class Started(NamedTuple):
    process: int
    output: Path

    def end(self) -> tuple[int, str]:
        """Waits for the end; returns the exit code and the output."""
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1]), self.output.read_text()


class House(NamedTuple):
    """A folder of published networks that a sweep runs over."""

    folder: Path

    @property
    def sweep(self) -> Path:
        return self.folder / "runs" / "sweeps" / "exact"

    def arguments(self, tables: Sequence[str] = TABLES) -> list[str]:
        paths = ",".join(str(self.folder / f"{name}.csv") for name in tables)
        columns = f"exact.latency={','.join(COLUMNS)}"
        return ["--multirun", f"runs={self.folder / 'runs'}", f"exact.csv={paths}", columns, "exact.accuracy=percent"]

    def start(self, arguments: Sequence[str], at: Event = ("", 0), send: signal.Signals = signal.SIGKILL) -> Started:
        """Starts the command in its own process group, which gets the signal at the event."""
        output = self.folder / f"output{time.monotonic_ns()}"
        if process := os.fork():
            return Started(process, output)
        code: object = 70
        try:
            os.setsid()
            sys.stdout = sys.stderr = open(output, "w", buffering=1)  # noqa: SIM115
            sys.addaudithook(_signals(at, send))
            Sweeper.validate_batch_is_legal = lambda *_: None  # type: ignore[assignment]  # it composes all jobs
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
        """Returns the sweep's table and the hashes of its jobs' files, without the folder's path."""
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
    """Makes a new folder with the tables of networks that are swept over."""
    folder.mkdir()
    for table in TABLES:
        rng = Random(table)
        lines = ["ops,percent,fast_ms,slow_ms"]
        for picks in itertools.product("012", repeat=3):
            lines.append(",".join(["".join(picks), *(str(rng.uniform(1, 90)) for _ in range(3))]))
        (folder / f"{table}.csv").write_text("\n".join(lines))
    return House(folder)


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


# Damaged files

NOT_OURS = [
    "[]",
    "null",
    "5",
    "{}",
    "[" * 100_000,
    '{"a": 1, "a": 2}',
    "\ufeff{}",
    '{"asked": [1], "started": 1}',
]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Runs a sweep of two jobs to its end."""
    house = House(tmp_path_factory.mktemp("swept"))
    lines = [f"{a}{b}{c},{50 + a},{1 + b},{1 + c}" for a, b, c in itertools.product(range(3), repeat=3)]
    (house.folder / "a.csv").write_text("ops,percent,fast_ms,slow_ms\n" + "\n".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYDRA_FULL_ERROR", "1")
        assert house.start(house.arguments("a")).end()[0] == 0
    return house


@pytest.mark.parametrize("pattern", ["*/job.json", "*/result.json", ".plans/*.json"])
def test_a_damaged_file_of_a_sweep_is_one_line_and_hides_no_other_job(
    pattern: str, swept: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = sorted(swept.sweep.glob(pattern))[0]
    whole = path.read_text()
    changed = whole.replace("0", "1", 1) if pattern == "*/result.json" else "{"
    try:
        for text in (*NOT_OURS, changed):
            path.write_text(text, encoding="utf-8")
            (damaged,) = [job for job in jobs_of(swept.sweep) if job.state == "damaged"]
            assert str(path) in damaged.reason
            assert "\n" not in damaged.reason
            assert swept.states()["done"] >= 1
        monkeypatch.setattr(sys, "argv", ["status", f"runs={swept.folder / 'runs'}", "sweep=exact"])
        command.run(status)
        assert "1 damaged" in capsys.readouterr().out
        code, _ = swept.start(swept.arguments("a")).end()
        assert (code, swept.states()) == (0, {"done": 2})
    finally:
        path.write_text(whole)


# Names


@pytest.mark.parametrize("name", ["../../esc", "/tmp/esc", "..", ".", ".hidden", "a/b", "a" * 200])
def test_a_sweep_is_a_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    runs = tmp_path / "a" / "b" / "runs"
    arguments = ["exact", "--multirun", "seed=0,1", f"runs={runs}", f"sweep='{name}'"]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as stopped:
        command.run(exact)
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: sweep=")
    assert "is not a name" in line
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


# Keys of jobs


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Returns a function that hashes a job on a made-up device and machine."""
    monkeypatch.setattr(keys, "passport_of", lambda device: passport)
    passport = {"cpu": "one", "onnxruntime": "1"}

    def hashed(*overrides: str, command: str = "pipeline", **changes: str) -> str:
        passport.update(changes)
        settings = OmegaConf.merge(schema("pipeline"), OmegaConf.from_dotlist(list(overrides)))
        return artefacts.digest(job_keys.job_key(command, configured(OmegaConf.to_container(settings))))

    return hashed


def test_a_job_s_hash_has_its_device_its_machine_and_their_versions(
    key: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [key(), key(onnxruntime="2"), key(cpu="another")]
    found += [key("device.threads=2"), key("device.name=ssh"), key("seed=1"), key(command="report")]
    monkeypatch.setattr(job_keys, "processor", lambda: "of another node")
    found.append(key())
    monkeypatch.setattr(versions, "libraries", lambda: {"torch": "99"})
    found.append(key())
    monkeypatch.setitem(versions.STEPS, "train", (99, ("experiments",)))
    found.append(key())
    monkeypatch.setitem(versions.CHOICES, "TrainConfig.rule=fair", 99)
    found.append(key())
    assert len({*found}) == len(found)


def test_a_job_s_hash_has_neither_names_of_hosts_nor_places(key: Callable[..., str]) -> None:
    reached = ("device.host=pi", "device.user=me", "device.port=2222", "device.patience=99", "device.folder=x")
    found = {key(), *map(key, reached), key("runs=elsewhere"), key("sweep=another"), key("results=elsewhere")}
    assert len(found) == 1


@pytest.mark.parametrize(
    ("name", "override"),
    [("exact", "exact.csv=a"), ("compare", "compare.csv=a"), ("fidelity", "csv=a"), ("train", "seed=0")],
)
def test_a_job_that_asks_no_device_has_none_in_its_hash(name: str, override: str, key: Callable[..., str]) -> None:
    assert key(override, command=name) == key(override, command=name, onnxruntime="2")


def test_a_job_whose_device_cannot_be_reached_still_has_a_hash(
    key: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(device: object) -> None:
        raise LutraError("nobody there")

    known = key()
    monkeypatch.setattr(keys, "passport_of", unreachable)
    assert key() != known


def test_files_that_a_job_names_are_in_its_hash_by_their_content(
    key: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "table.json").write_text("one")
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "manifest.json").write_text("one")
    known = [key("table=~/table.json"), key(f"run={tmp_path / 'search'}")]
    (tmp_path / "table.json").write_text("two")
    (tmp_path / "search" / "manifest.json").write_text("two")
    found = [key("table=~/table.json"), key(f"run={tmp_path / 'search'}")]
    assert len({*known, *found}) == 4


# Offline boards


def quickly(networks: Iterable[object], runtime: str) -> Iterator[tuple[str, bytes]]:
    """Yields files with the right names but without networks."""
    return ((file_name(precision, index), b"file") for index, _ in enumerate(networks) for precision in PRECISIONS)


def measure() -> None:
    """Runs the command as python -m does, in this process."""
    runpy.run_module("experiments.measure", run_name="__main__", alter_sys=True)


def test_a_sweep_over_bundles_writes_them_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.setattr(measuring, "timing_files", quickly)
    words = ["measure", "--multirun", "device=bundle", "measure.networks=4,5", f"runs={tmp_path}"]
    monkeypatch.setattr(sys, "argv", words)
    measure()
    bundles = sorted(tmp_path.glob("measure/*/bundle"))
    assert [sorted(path.name for path in folder.glob("*.*")) for folder in bundles] == [["job.json", "run.py"]] * 2
    assert capsys.readouterr().out.count("to the board, run python3 run.py") == 2
    found = jobs_of(tmp_path / "sweeps" / "measure")
    assert {(job.state, job.made) for job in found} == {("done", str(path)) for path in bundles}
    assert not list(tmp_path.rglob("manifest.json"))
    monkeypatch.setattr(sys, "argv", ["measure", "device=bundle", f"runs={tmp_path}"])
    measure()  # it ends after writing the bundle
