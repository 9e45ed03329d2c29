"""Tests the table of comparisons on published networks, each in a folder of its own in the results."""

from __future__ import annotations

from pathlib import Path

import pytest

from paper import benchmarks, checksums, comparison, result_age
from paper.csv_records import ResultError
from search_spaces.documents import sha256
from tests.paper.made_up_comparison import compared, edit, seal

TITLES = ("NAS-Bench-201 on a Pi", "NAS_Bench_Macro")
OF_A_FILE = {"accuracy_seen": "acc_1", "accuracy_reported": "acc2+acc3", "objective": "bounded"}


def listed(folder: Path) -> None:
    hashes = {path.name: sha256(path.read_bytes()) for path in folder.glob("*.csv")}
    (folder / checksums.LIST).write_text(checksums.dump(hashes))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two comparisons; in the second one, no difference is significant."""
    for number, title in enumerate(TITLES):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        compared(folder)
        (folder / "setup.csv").unlink()
        (folder / "curves.csv").write_text((folder / "curves.csv").read_text().replace("\np,", f"\n{title},"))
        if number:
            edit(folder / "pairs.csv", "0.01,True", "0.5,False")
        seal(folder, **OF_A_FILE)
        listed(folder)
    return tmp_path


def test_each_comparison_has_a_line_and_a_sentence(results: Path) -> None:
    benchmarks.check(results)
    said = benchmarks.macros(results)["BenchmarksSentence"]
    assert "On NAS-Bench-201 on a Pi, nsga2 is significantly better than random." in said
    assert r"On NAS\_Bench\_Macro, no two strategies differ significantly." in said
    assert r"The searches saw acc\_1; their choices are judged by acc2+acc3." in said
    benchmarks.write(results, results)
    lines = (results / "benchmarks.tex").read_text().splitlines()
    assert r"NAS-Bench-201 on a Pi & 20 & 8 & 20.00 & \textbf{10.00} \\" in lines
    assert r"NAS\_Bench\_Macro & 20 & 8 & 20.00 & 10.00 \\" in lines


def test_regret_is_in_points_of_accuracy_only_within_a_target(results: Path) -> None:
    assert "accuracy" in benchmarks.macros(results)["BenchmarksUnit"]
    seal(results / "0", **{**OF_A_FILE, "objective": "mnasnet"})
    assert "accuracy" not in benchmarks.macros(results)["BenchmarksUnit"]


def test_a_folder_of_something_else_is_refused(results: Path) -> None:
    seal(results / "0")
    listed(results / "0")
    with pytest.raises(ResultError, match=r"compare\.csv=FILE"):
        benchmarks.check(results)


def test_a_changed_file_is_refused(results: Path) -> None:
    edit(results / "1" / "compare.csv", "random", "nsga2")
    with pytest.raises(ResultError, match=r"compare\.csv was changed"):
        benchmarks.check(results)


def test_the_age_of_each_comparison_is_told(results: Path) -> None:
    assert any(f"0/{comparison.SETUP}, 1/{comparison.SETUP}" in line for line in result_age.lines(results))


def test_without_any_there_is_no_sentence(tmp_path: Path) -> None:
    assert not benchmarks.published(tmp_path)
    assert benchmarks.macros(tmp_path)["BenchmarksSentence"] == ""
