"""Tests what the paper says about a comparison."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest

from paper import build, comparison
from paper.csv_records import ResultError
from paper.figures import compare as figure
from paper.figures import style
from paper.rows import Pair
from tests.experiments.comparisons import PUBLISHED, Whole
from tests.paper.made_up_results import listed


def pair(a: str, b: str, differ: bool, measure: str = "share", seeds: int = 8) -> Pair:
    means = {"share": {"nsga2": 0.98, "evolution": 0.97, "random": 0.9}, "regret": {"nsga2": 0.0, "random": 0.3}}[
        measure
    ]
    return Pair("evaluations", 60, measure, a, b, means[a], means[b], 0.01 if differ else 0.3, differ, seeds, 7)


def test_words_follow_the_verdicts() -> None:
    ahead, behind, even = (
        partial(pair, *names) for names in (("nsga2", "random"), ("evolution", "random"), ("nsga2", "evolution"))
    )
    said = comparison.verdict([ahead(True), behind(True), even(False)])
    assert said == "nsga2 and evolution are significantly better than random; other pairs do not differ significantly"
    assert comparison.verdict([ahead(False), behind(False)]) == "no two strategies differ significantly"
    assert "6 seeds cannot show it, 7 or more can" in comparison.verdict([ahead(False, seeds=6)])
    few = comparison.verdict([ahead(True, seeds=5)])
    assert few == "5 seeds cannot show a significant difference, 7 or more are needed"
    assert comparison.verdict([pair("random", "nsga2", True, "regret")]) == "nsga2 is significantly better than random"


def test_the_paper_tells_of_a_comparison_where_there_is_one(whole: Whole, tmp_path: Path) -> None:
    assert set(comparison.macros(tmp_path / "results").values()) == {""}
    assert {path.name for path in whole.results.glob("*.csv")} == PUBLISHED
    said = comparison.macros(whole.results)
    assert said["ComparedProblem"].startswith("On small, random search, NSGA-II and evolution each ran with 2 seeds. ")
    assert "After 12 evaluations the mean hypervolume is" in said["ComparedEvaluations"]
    assert "2 seeds cannot show a significant difference" in said["ComparedEvaluations"]
    assert "The searches saw the column accuracy\\_12epoch\\_percent of the file" in said["ComparedProblem"]
    assert "is the Pareto front." in said["ComparedSetup"]
    for name in ("first.pdf", "second.pdf"):
        style.save(figure.draw(whole.results), tmp_path / name)
    assert (tmp_path / "first.pdf").read_bytes() == (tmp_path / "second.pdf").read_bytes()


def test_the_paper_is_built_with_a_comparison(whole: Whole, begun: Path, tmp_path: Path) -> None:
    """LaTeX starts from the references of a paper without one."""
    results = tmp_path / "results"
    shutil.copytree(Path(build.__file__).parent / "results", results)
    for name in PUBLISHED:
        (results / name).unlink(missing_ok=True)
    shutil.copytree(whole.results, results, dirs_exist_ok=True)
    listed(results)
    build.sources(results, begun)
    build.typeset(begun)
    log = (begun / "paper.log").read_text(errors="replace")
    assert "undefined" not in log
    assert r"Overfull \hbox" not in log
    (results / "curves.csv").unlink()
    with pytest.raises(ResultError, match=r"curves\.csv is missing; .*experiments\.compare publish=true"):
        build.sources(results, begun)
