"""Tests how the paper says that results are older than the code."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from paper import build, checksums, comparison, comparison_agreement, result_age
from paper.figures import compare as figure
from paper.rows import Pair, read
from tests.commands import git
from tests.paper.made_up_comparison import RUN, compared, edit, seal, write_setup

COMMITTED = Path(build.__file__).parent / "results"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return compared(tmp_path)


def test_files_without_a_setup_are_said_to_be_of_older_code(results: Path) -> None:
    (results / comparison.SETUP).unlink()
    edit(results / "pairs.csv", "significant", "apart")  # the column's former name
    comparison_agreement.check(results)
    assert all(pair.significant for pair in read(results, Pair))
    assert "made by older code: its files do not record their set-up" in comparison.macros(results)["ComparedSetup"]
    (line, *_) = result_age.lines(results)
    assert line.startswith("curves.csv, pairs.csv: made by older code, and no compare_setup.csv records their set-up")
    figure.draw(results)


def test_the_build_says_on_its_output_that_results_are_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The committed results are older until they are made again."""
    monkeypatch.setattr(build, "typeset", lambda folder, document: folder / f"{document}.pdf")
    monkeypatch.setattr(build, "FIGURES", {})
    monkeypatch.setattr(build, "OPTIONAL", {})
    results = tmp_path / "results"
    shutil.copytree(COMMITTED, results)
    (results / comparison.SETUP).unlink()
    known = (results / checksums.LIST).read_text().splitlines()
    (results / checksums.LIST).write_text("".join(f"{line}\n" for line in known if comparison.SETUP not in line))
    monkeypatch.setattr(sys, "argv", ["build", f"--results={results}", f"--build={tmp_path / 'build'}"])
    build.main()
    *said, pdf = capsys.readouterr().out.splitlines()
    assert pdf == str(tmp_path / "build" / "paper.pdf")
    assert any("curves.csv, pairs.csv: made by older code" in line for line in said)
    assert r"\ComparedSetup{}" in (tmp_path / "build" / "paper.tex").read_text()
    assert "do not record their set-up" in (tmp_path / "build" / "numbers.tex").read_text()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_results_are_as_old_as_the_commits_to_code_since(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = tmp_path / "house"
    (house / "strategies").mkdir(parents=True)

    def commit(name: str) -> str:
        (house / name).write_text(str(len(list(house.rglob("*")))))
        git(house, "add", "-A")
        git(house, "commit", "-qm", name)
        return git(house, "rev-parse", "--short=12", "HEAD").strip()

    git(house, "init", "-q")
    first = commit("strategies/a.py")
    monkeypatch.setattr(result_age, "HERE", house)
    write_setup(results / "setup.csv", {**RUN, "git_commit": first})
    seal(results, git_commit=first)
    assert list(result_age.lines(results)) == []
    commit("README.md")  # results do not depend on it
    assert list(result_age.lines(results)) == []
    commit("strategies/b.py")
    (line,) = result_age.lines(results)
    assert line == f"compare_setup.csv, setup.csv: made by commit {first}, which is 1 commit behind this code"
    seal(results, git_commit="feedfeedfeed")
    assert any("which this checkout does not have" in line for line in result_age.lines(results))
