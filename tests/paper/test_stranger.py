"""Tests a paper with somebody else's results: other machines, spaces and images are named, and nothing is mixed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from paper import (
    build,
    macros,
    missing_files,
    origin,
    training,
)
from paper.csv_records import ResultError
from search_spaces.documents import sha256
from tests.commands import ROOT
from tests.paper.made_up_results import FRESH, SETUP, edit, listed, write

OF_RUN = {key: SETUP[key] for key in ("space", "resolution", "device", "cpu", "machine", "threads", "onnxruntime")}


def own(results: Path, name: str, **changed: str) -> None:
    """Rewrites a setup as that of files of the run itself, with changes."""
    write(results / name, "key,value", [*(FRESH | OF_RUN | changed).items()])
    listed(results)


@pytest.mark.parametrize("group", origin.GROUPS)
def test_files_of_the_run_need_no_word_and_others_are_named(group: str, results: Path) -> None:
    name = origin.GROUPS[group].setup
    own(results, name)
    told = macros.numbers(results)
    assert told[f"{group}Origin"] == told[f"{group}OriginBriefly"] == ""
    of_machine = [
        ({"cpu": "Cortex-A76"}, "the machine Cortex-A76 (1 thread"),
        ({"threads": "4"}, "4 threads"),
        ({"onnxruntime": "1.99"}, "onnxruntime 1.99"),
        ({"device": "", "cpu": ""}, "a machine that is not named"),
    ]
    for changed, words in [
        ({"space": "mobile"}, "the space mobile at 16 pixels"),
        ({"resolution": "224"}, "the space tiny at 224 pixels"),
        *(of_machine if origin.GROUPS[group].machine else []),
    ]:
        own(results, name, **changed)
        told = macros.numbers(results)
        assert told[f"{group}Origin"].startswith("This experiment is not on the run's own set-up: it uses ")
        assert told[f"{group}OriginBriefly"].startswith(" Not on the run's own set-up, but on ")
        assert words in told[f"{group}Origin"], changed
        assert words in told[f"{group}OriginBriefly"], changed


def test_each_section_names_its_origin_first_and_so_does_each_caption() -> None:
    text = (ROOT / "paper/paper.tex").read_text()
    for group, (section, captions) in {
        "Fresh": (r"\paragraph{New networks.} ", 2),
        "Protocol": ("\\section{Ways to time a block}\\label{sec:protocols}\n", 1),
        "Compared": (r"\paragraph{Random search and other strategies.} ", 1),
        "Ranking": ("\\end{figure}\n\n", 1),
    }.items():
        assert rf"{section}\{group}Origin{{}}" in text
        assert len(re.findall(rf"\\{group}OriginBriefly{{}}}}\n", text)) == captions


@pytest.mark.parametrize("name", ["fidelity.csv", "fresh.csv", "protocols.csv"])
def test_a_file_is_the_one_that_its_setup_describes(name: str, results: Path) -> None:
    stem = name.removesuffix(".csv")
    described = "protocols_setup.csv" if stem == "protocols" else "fidelity_setup.csv"
    own(results, described, **{f"{stem}_sha256": sha256((results / name).read_bytes())})
    origin.check(results)
    edit(results / name, "fp32", "fp32 ")
    with pytest.raises(ResultError, match=f"{name} is not the file that {described} describes"):
        origin.check(results)


@pytest.mark.parametrize("name", origin.OPTIONAL)
def test_an_optional_section_is_left_out_unless_its_files_say_that_they_are_of_the_run(
    name: str, results: Path
) -> None:
    group = origin.OPTIONAL[name]
    assert [*origin.lines(results)] == []
    for file in group.files:
        (results / file).write_text("layer\n1\n")
    assert not origin.used(results, name)
    assert f"left out of the paper, as no {group.setup} says" in origin.left_out(results, name)
    deployed = next(row[-1] for row in map(str.split, [f"{6:064x}"]))
    facts = {"data": "digits", "deployed": deployed}
    own(results, group.setup, **facts)
    assert origin.used(results, name)
    strange = {"space": "mobile"} | ({"deployed": "0"} if group.network else {"data": "cifar10"})
    for key, value in strange.items():
        own(results, group.setup, **facts | {key: value})
        assert not origin.used(results, name)
        (line, *_) = origin.lines(results)
        assert f"{', '.join(group.files)}: left out of the paper, as they come from " in line
        assert "publish=true" in line


def test_a_file_that_was_not_published_anew_is_not_taken_for_the_new_network_s(results: Path) -> None:
    """A profile without minutes leaves the steady.csv of an earlier network where it is."""
    for name in ("profile.csv", "steady.csv"):
        (results / name).write_text("layer\n1\n")
    facts = {
        "data": "digits",
        "deployed": f"{6:064x}",
        "profile_sha256": sha256((results / "profile.csv").read_bytes()),
    }
    own(results, "profile_setup.csv", **facts)
    assert origin.used(results, "Profile")
    assert not origin.used(results, "Steady")
    assert "as profile_setup.csv describes only profile.csv" in origin.left_out(results, "Steady")


def test_every_missing_file_is_listed_with_its_command(results: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    gone = ("setup.csv", "pruning_rules_setup.csv", "fidelity.csv", "protocols.csv")
    for name in gone:
        (results / name).unlink()
    monkeypatch.setattr(sys, "argv", ["build", f"--results={results}", f"--build={tmp_path / 'build'}"])
    with pytest.raises(SystemExit, match="2"):
        build.main()
    said = capsys.readouterr().err.splitlines()
    commands = dict(zip(gone, ("report", "pruning_rules", "fidelity", "protocols")))
    assert sorted(said) == sorted(
        f"{results / name} is missing; write it with: python -m experiments.{command} publish=true, "
        "and your run's settings"
        for name, command in commands.items()
    )
    empty = tmp_path / "nothing"
    empty.mkdir()
    with pytest.raises(ResultError) as refused:
        missing_files.check(empty)
    assert len(str(refused.value).splitlines()) == len(missing_files.REPORT)
    with pytest.raises(ResultError, match="there is no such folder"):
        missing_files.check(tmp_path / "nowhere")


def test_every_required_file_can_be_missing_and_every_other_one_may_be(results: Path) -> None:
    assert {path.name for path in results.glob("*.csv")} == {*missing_files.REQUIRED}


def test_sessions_with_different_latencies_for_one_file_are_explained(results: Path) -> None:
    told = macros.numbers(results)
    assert r"one file takes 0.230\,ms here and 0.171\,ms in Table~\ref{tab:stages}" in told["AblationSession"]
    assert "compare latencies within a table only" in told["HandMadeSession"]
    assert "within this table only" in told["PruningSession"]
    text = (results / "ablation.csv").read_text()
    for before, after in (("0.00023,0.00023", "0.000171,0.000171"), ("6.9e-05,6.9e-05", "9.3e-05,9.3e-05")):
        assert before in text
        text = text.replace(before, after)
    (results / "ablation.csv").write_text(text)
    assert "have the same latency in both" in macros.numbers(results)["AblationSession"]


def test_only_what_has_several_seeds_is_excepted_from_one_run(results: Path) -> None:
    assert macros.numbers(results)["OneRun"] == "All results come from one seed"
    (results / "recipes.csv").write_text("layer\n1\n")
    for seeds, excepted in (("3", " except the gains of training recipes"), ("1", "")):
        own(results, "recipes_setup.csv", data="digits", **dict.fromkeys(("network", "host_cpu"), "x"), seeds=seeds,
            validation_images="9")  # fmt: skip
        assert training.one_run(results) == f"All results{excepted} come from one seed"


def test_the_recipe_is_told_by_what_it_uses(results: Path) -> None:
    edit(
        results / "setup.csv",
        "retrain_steps,",
        "retrain_images,1150\nretrain_recipe,batch=128 muon=0.02 cutout=0.0 reflect=True\nretrain_steps,",
    )
    assert (
        r": batches of 128 images, Muon~\cite{jordan2024muon} with 0.02 for convolutions and crops with reflected "
        in (macros.numbers(results)["TrainingLength"])
    )
