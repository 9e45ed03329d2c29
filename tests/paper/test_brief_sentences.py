"""Tests the short sentences of abstract, captions and conclusion: what they say in cases that are seldom, or never."""

from __future__ import annotations

from pathlib import Path

import pytest

from paper import accuracy_scale, float_layers, hand_made, latex, macros, ranking, tables, verdicts
from paper.compression_rows import HandMade
from paper.ranking_rows import RankTau
from paper.setup_file import Setup
from tests.paper.made_up_results import edit


def row(name: str, accuracy: float, seconds: float, seen: float | None = 0.9) -> HandMade:
    return HandMade(name, "int8", seen, accuracy, seconds, seconds, None, 1, 1, 1, "")


RHO = (0.6, 0.3, 0.8)
OURS, BEATEN, AHEAD = row("winner", 0.9, 1e-3), row("resnet8", 0.8, 2e-3), row("mobilenet_v2", 0.95, 0.5e-3)


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ([BEATEN] * 3, "than 3 of 3 hand-made networks, and none of them is both faster and more accurate than it"),
        ([BEATEN, BEATEN, AHEAD], "than 2 of 3 hand-made networks; 1 is both faster and more accurate than it"),
        ([AHEAD] * 3, "than none of 3 hand-made networks; 3 are both faster and more accurate than it"),
        ([OURS] * 3, "none of the 3 hand-made networks is both faster and more accurate than the compressed winner"),
        ([BEATEN], "the compressed winner is both faster and more accurate than ResNet-8"),
    ],
)
def test_hand_made_networks_are_counted(others: list[HandMade], told: str) -> None:
    assert told in hand_made.brief(OURS, others, 10_000)


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (row("winner, saved 0.2", 0.902, 0.9e-3, 0.891), "test images 0.2 points more accurate, and on the validation"),
        (row("winner, saved 0.2", 0.902, 0.9e-3, 0.891), "by which files are chosen, 0.9 points less accurate."),
        (row("winner, saved 0.2", 0.9, 0.9e-3, None), "this file is on the test images as accurate."),
    ],
)
def test_a_file_that_looks_better_than_the_chosen_one_is_told(file: HandMade, told: str) -> None:
    assert told in hand_made.ahead(file, OURS)


def test_a_file_that_is_slower_or_less_accurate_is_not() -> None:
    assert hand_made.ahead(row("winner, saved 0.2", 0.95, 1e-3), OURS) == ""
    assert hand_made.ahead(row("winner, saved 0.2", 0.89, 0.5e-3), OURS) == ""


def test_how_much_was_pruned_is_told_where_the_run_records_it(results: Path) -> None:
    assert macros.numbers(results)["PrunedBy"] == ""
    edit(results / "setup.csv", "test_images,", "prune_saved,0.1\ntest_images,")
    assert macros.numbers(results)["PrunedBy"] == r", the compressed winner by 10\,\%"


@pytest.mark.parametrize(
    ("layers", "precision", "told"), [("0", "int8", True), ("0", "fp32", False), ("", "int8", False)]
)
def test_layers_in_float_are_told_where_the_table_shows_int8(layers: str, precision: str, told: bool) -> None:
    facts = {"float_layers": layers, "precision": precision}
    assert bool(float_layers.in_table(Setup(Path(), facts))) == told


def test_what_lies_below_the_scale_of_accuracies_is_told_only_if_something_does() -> None:
    assert accuracy_scale.sentence([90, 89, 88]) == ""
    assert "lie below the scale" in accuracy_scale.sentence([90, 89, 88, 50])
    assert accuracy_scale.lowest([90, 89, 88]) == 88


@pytest.mark.parametrize(
    ("versions", "told"),
    [
        ("a: commit 12ab; b, c: commit 34cd; a: commit 56ef+", "a: commits 12ab, 56ef+; b, c: commit 34cd"),
        ("a: commit 12ab; a: torch 2.1, commit 34cd", "a: commit 12ab or torch 2.1, commit 34cd"),
        ("a: commit None", "a: commit None"),
    ],
)
def test_earlier_steps_are_named_once(versions: str, told: str) -> None:
    assert tables.earlier(versions) == told


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        ("first pass: 3 rounds were rejected; second pass: 2 of 9 files are not known: a (+-4.1 %), b (+-2.7 %)",
         r"The session was noisy (first pass: 3 rounds were rejected; second pass: 2 of 9 files are not known, at "
         r"worst to $\pm$4.1\,\%)."),
        ("seed 0: all 6 files are known within 2 %; seed 1: 1 of 6 files is not known: a (+-3.0 %)",
         r"A session was noisy (seed 1: 1 of 6 files is not known, at worst to $\pm$3.0\,\%)."),
        ("since it was booted the board has seen: under-voltage, throttling",
         "The session was noisy (since it was booted the board has seen: under-voltage, throttling)."),
    ],
)  # fmt: skip
def test_reasons_of_a_session_are_whole_but_for_the_names_of_files(reasons: str, told: str) -> None:
    facts = {"session_verdict": "noisy", "session_verdict_reasons": reasons}
    assert verdicts.of_session(Setup(Path(), facts)) == told
    assert verdicts.of_session(Setup(Path(), facts | {"session_verdict": "clean"})) == ""


def test_the_limits_say_what_the_ranking_was_compared_with(results: Path) -> None:
    assert macros.numbers(results)["RankingLimit"] == "; how well they rank was not measured"
    whole = RankTau("supernet", "all", 24, 0.6, 0.3, 0.8, *RHO)
    half = RankTau("supernet", ranking.HALF, 12, 0.3, -0.1, 0.6, *RHO)
    assert ranking.limit([whole], " for 2 passes") == "; their ranking was compared with separate training for 2 passes"
    (results / ranking.SETUP).write_text("key,value\ntrainings,2\n")
    assert ranking.averaged(results) == " (means of 2 trainings)"
    (results / ranking.SETUP).write_text("key,value\ntrainings,1\n")
    assert ranking.averaged(results) == ""
    assert ranking.limit([whole, half], "").endswith(r"$\tau$ is not significantly different from zero")


def test_the_conclusion_has_the_doubts_of_the_abstract(results: Path) -> None:
    told = macros.numbers(results)
    for doubt in (told["FreshElsewhere"], told["FreshNoisy"]):
        assert doubt in told["TableConclusion"]
        assert doubt in told["Claims"]
    assert told["UnprunedConclusion"].strip() in told["Claims"]


@pytest.mark.parametrize(
    ("value", "bound", "told"), [(0.91, 0.92, "0.91"), (0.91, 0.96, "0.9"), (1.5, 0.9, "1.5"), (0.2, 1.8, "0.2")]
)
def test_a_value_does_not_look_like_the_bound_that_it_is_judged_by(value: float, bound: float, told: str) -> None:
    assert latex.against(value, bound) == told
