"""Tests what the paper says of folders with results of other settings: studies of recipes, and ways to time blocks."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from experiments.store import artefacts
from paper import macros, other_results, protocols, provenance, recipes
from paper.csv_records import ResultError
from paper.recipe_rows import TriedRecipe
from paper.rows import Summed
from tests.paper.made_up_results import listed, write

SPACE = {"space": "mobile", "resolution": "32", "host_cpu": "a processor", "data": "digits", "network": "a_net"}


@pytest.fixture
def study(results: Path) -> Path:
    """Thirty passes, and two recipes that change this."""
    folder = results / "thirty"
    folder.mkdir()
    base = TriedRecipe("base", 300, 30.0, 1, 0.82, 0.0, None, None, 20.0, 0.0)
    longer = TriedRecipe("passes=100", 1000, 100.0, 1, 0.84, 0.02, None, None, 66.0, 0.0003)
    seeds = TriedRecipe("cutout=0.25", 300, 30.0, 2, 0.81, -0.01, -0.015, -0.005, 21.0, -0.0005)
    artefacts.write_csv(folder / "recipes.csv", [asdict(row) for row in (base, longer, seeds)])
    write(folder / recipes.SETUP, "key,value", [*SPACE.items()])
    listed(folder)
    return folder


@pytest.fixture
def repeated(results: Path) -> Path:
    """The protocols of the results, in LiteRT."""
    folder = results / "otherruntime"
    folder.mkdir()
    for name in ("protocols.csv", "protocols_setup.csv"):
        text = (results / name).read_text()
        (folder / name).write_text(text.replace("onnxruntime,", "litert,") if "setup" in name else text)
    listed(folder)
    return folder


def test_without_such_folders_nothing_is_said(results: Path) -> None:
    told = macros.numbers(results)
    assert (told["RecipesSentences"], told["ProtocolRepeated"]) == ("", "")


def test_a_study_of_recipes_is_told_with_its_cost(results: Path, study: Path) -> None:
    told = macros.numbers(results)["RecipesSentences"]
    assert r"of 30 passes over the training images (thirty), a\_net reaches 82.0\,\%" in told
    assert r"20.0 CPU minutes on a processor; with one seed, " in told
    assert r"\texttt{passes=100} changes this by $+$2.0 points (in 66.0 minutes) and " in told
    assert r"by $-$1.0 points (in 21.0 minutes, 95\,\% interval $-$1.5 to $-$0.5)." in told


def test_protocols_in_another_runtime_have_a_verdict_and_lines_of_their_own(
    results: Path, repeated: Path, tmp_path: Path
) -> None:
    told = macros.numbers(results)["ProtocolRepeated"]
    assert told.startswith("We repeated this on ")
    assert "LiteRT" in told
    assert r"\emph{in context} has the smallest mean error in both precisions (1.0" in told
    assert "which has no node profile" in told
    protocols.write(results, tmp_path)
    _, *lines = (tmp_path / "protocols.tex").read_text().partition("LiteRT 1.31.1")[2].splitlines()
    assert [line.partition(" &")[0] for line in lines[:2]] == ["in context", "alone"]
    with (repeated / "protocols_setup.csv").open("a") as file:
        file.write(
            'session_verdict,noisy\nsession_verdict_reasons,"session: 3 of 9 files are not known: a (+-3.1 %)"\n'
        )
    assert macros.numbers(results)["ProtocolRepeated"].endswith(
        r"The session was noisy (3 of 9 files are not known, at worst to $\pm$3.1\,\%)."
    )


def test_a_lead_that_chance_explains_is_told() -> None:
    rows = [
        Summed(precision, name, 1.0, 1.0, 1.0 + error, 1.0)
        for precision in ("fp32", "int8")
        for name, errors in {"alone": (0.03, 0.01, 0.05), "in context": (0.01, 0.05, 0.02)}.items()
        for error in errors
    ]
    found = protocols.errors(rows)
    assert protocols.leader(found).endswith(
        r"; in fp32 the difference from \emph{alone} is not significant; in INT8 the difference from \emph{alone} is "
        "not significant"
    )
    clear = {key: errors + 0.5 * (key[1] == "alone") for key, errors in found.items()}
    assert "not significant" not in protocols.leader(clear)


@pytest.mark.parametrize("name", ["study", "repeated"])
def test_its_files_are_named_and_checked(
    name: str, results: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(name)
    other_results.check(results)
    provenance.write(results, tmp_path)
    assert f" in {folder.name}" in (tmp_path / "files.tex").read_text()
    path = next(folder.glob("*s.csv"))
    path.write_bytes(path.read_bytes().replace(b"0.0", b"0.1"))
    with pytest.raises(ResultError, match="was changed after it was published"):
        other_results.check(results)
