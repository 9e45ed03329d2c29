"""Tests the files of a comparison: that they belong together and to the run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from paper import comparison, comparison_agreement
from paper.csv_records import ResultError
from tests.paper.made_up_comparison import compared, edit, seal, write_setup


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return compared(tmp_path)


Change = Callable[[Path], object]


def test_files_of_one_comparison_and_run_are_accepted(results: Path) -> None:
    comparison_agreement.check(results)
    said = comparison.macros(results)
    assert "20.00 points for random search; NSGA-II is significantly better than random" in said["ComparedRegret"]
    assert "; again, NSGA-II is significantly better than random search." in said["ComparedEvaluations"]
    assert said["ComparedSetup"].endswith(r"is accuracy under a hard latency limit of 0.200\,ms.")
    assert said["ComparedProblem"].startswith(
        "On the space mobile with images and latencies in INT8, random search and NSGA-II each ran with 8 seeds. "
    )
    assert "commit" not in "".join(said.values())  # the table of files has it


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        ("pareto", "is the Pareto front."),
        ("mnasnet", r"equation~\eqref{eq:score} with a target of 0.200\,ms."),
        ("my_o", r"is my\_o."),
    ],
)
def test_the_objective_is_told_in_words(results: Path, objective: str, words: str) -> None:
    seal(results, objective=objective)
    told = comparison.macros(results)
    assert told["ComparedSetup"].endswith(words)
    assert ("dominates on its own" in told["ComparedProblem"]) == (objective == "pareto")
    assert "points" not in told["ComparedRegret"]


def test_seconds_and_regret_have_a_verdict_of_their_own_if_it_differs(results: Path) -> None:
    edit(results / "pairs.csv", "regret,random,nsga2,0.2,0.1,0.01,True", "regret,random,nsga2,0.2,0.1,0.5,False")
    seal(results)
    assert "for random search; no two strategies differ significantly." in comparison.macros(results)["ComparedRegret"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda r: (r / "curves.csv").unlink(), "curves.csv is missing; write it with: python -m experiments.compare"),
        (lambda r: (r / "pairs.csv").unlink(), "pairs.csv is missing; write it with: python -m experiments.compare"),
        (
            lambda r: (r / "compare.csv").unlink(),
            "compare.csv is missing; write it with: python -m experiments.compare",
        ),
        (lambda r: edit(r / "curves.csv", "0.95", "0.96"), "curves.csv is not the file that compare_setup.csv"),
        (lambda r: edit(r / "pairs.csv", "0.01,True", "0.02,True"), "pairs.csv is not the file that compare_setup.csv"),
        (lambda r: edit(r / "compare.csv", "random", "nsga2"), "compare.csv is not the file that compare_setup.csv"),
        (lambda r: seal(r, table_sha256="cd" * 32), "table_sha256 is 'cdcd"),
        (lambda r: seal(r, target_ms="0.3"), "target_ms is '0.3', but '0.2' in setup.csv"),
        (lambda r: seal(r, precision="fp32"), "precision is 'fp32', but 'int8' in setup.csv"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(results: Path, change: Change, named: str) -> None:
    change(results)
    with pytest.raises(ResultError) as refused:
        comparison_agreement.check(results)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"space": "tiny"}, "the space tiny at 32 pixels"),
        ({"data_file": "others.tar.gz"}, "the images others.tar.gz"),
        ({"cpu": "D"}, "the machine D (1 thread"),
        ({"space": "tiny", "table_sha256": "cd" * 32, "target_ms": "9"}, "the space tiny at 32 pixels"),
    ],
)
def test_a_comparison_from_elsewhere_says_so_first_and_in_its_caption(results: Path, changed, named: str) -> None:
    comparison_agreement.check(results)
    assert comparison.macros(results)["ComparedOrigin"] == ""
    seal(results, **changed)
    comparison_agreement.check(results)
    told = comparison.macros(results)
    assert told["ComparedOrigin"].startswith("This experiment is not on the run's own set-up: it uses ")
    for text in (told["ComparedOrigin"], told["ComparedOriginBriefly"]):
        assert named in text


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("random,nsga2,0.7,0.9", "random,nsga2,0.71,0.9", "the mean share of random after 20 evaluations differs"),
        ("random,nsga2", "random,darts", "darts after 20 evaluations is not in curves.csv"),
        (",True,8,6", ",True,9,6", "random has 9 seeds, and 8 in curves.csv"),
        ("evaluations,20", "evaluations,15", "random after 15 evaluations is not in curves.csv"),
    ],
)
def test_pairs_say_what_curves_say_with_or_without_a_setup(
    results: Path, recorded: bool, before: str, after: str, named: str
) -> None:
    edit(results / "pairs.csv", before, after)
    seal(results)
    if not recorded:
        (results / comparison.SETUP).unlink()
    with pytest.raises(ResultError, match=named):
        comparison_agreement.check(results)


def test_a_search_that_took_far_longer_than_its_strategy_s_others_is_named(results: Path) -> None:
    searches = {"random": (10, 11, 12, 19), "nsga2": (10, 50, 11, 9)}
    rows = [f"{name},{seed},{seconds / 2}" for name, own in searches.items() for seed, seconds in enumerate(own)]
    (results / "compare.csv").write_text("\n".join(["strategy,seed,seconds", *rows, *rows, ""]))  # two candidates each
    seal(results)
    told = comparison.macros(results)["ComparedSeconds"]
    assert told.endswith(
        " Seconds are as measured; one search of NSGA-II took 4.76 times as long as its median search."
    )


def test_a_strategy_that_ran_out_of_seconds_says_how_many_networks_it_had(results: Path) -> None:
    edit(results / "curves.csv", "p,union,nsga2,evaluations,8,20,20", "p,union,nsga2,evaluations,8,20,4")
    edit(results / "curves.csv", "p,union,nsga2,seconds,8,20,20", "p,union,nsga2,seconds,8,20,1.5")
    seal(results, seconds_limit="200.0")
    told = comparison.macros(results)
    assert told["ComparedRegret"] == ""
    assert told["ComparedEvaluations"].startswith(
        "Within 200 s, NSGA-II completed only 4 of the 20 evaluations, so it is "
    )
    assert told["ComparedSeconds"].endswith(" By then, NSGA-II had evaluated 1.5 networks per search.")


def test_a_comparison_on_published_networks_needs_no_run_on_the_same_machine(results: Path) -> None:
    facts = {"space": "nasbench201", "objective": "pareto", "target_ms": "", "git_commit": "0123456789ab"}
    hashes = {
        f"{name}_sha256": hashlib.sha256((results / f"{name}.csv").read_bytes()).hexdigest()
        for name in ("compare", "curves", "pairs")
    }
    write_setup(results / comparison.SETUP, {**facts, **hashes})
    comparison_agreement.check(results)
