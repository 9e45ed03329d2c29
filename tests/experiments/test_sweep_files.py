"""Tests the files of a sweep: damaged ones, names, and offline jobs."""

from __future__ import annotations

import itertools
import runpy
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from experiments.config import command
from experiments.status import status
from experiments.steps import measure as measuring
from experiments.studies.exact import exact
from experiments.sweep.jobs import jobs_of
from predictors.board.fingerprint import PRECISIONS
from predictors.tables.assembly import file_name
from tests.experiments.swept_tables import House

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
