"""Tests that the paper answers its questions from files, leaves out those without files, and never overstates."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from paper import build, claims, macros, missing_files, provenance, questions
from paper.csv_records import ResultError
from paper.result_age import Age
from paper.rows import Curve
from tests.commands import ROOT
from tests.paper.made_up_results import SETUP, edit, listed, write

OPTIONAL = [name for name in questions.PARTS if name in ("Fidelity", "Protocols", "HandMade", "Ablation", "Rules")]


def without(results: Path, *names: str) -> None:
    """Deletes the files of these parts."""
    for name in names:
        for file in questions.PARTS[name].files:
            (results / file).unlink(missing_ok=True)
    listed(results)


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize("name", OPTIONAL)
def test_a_part_without_files_is_left_out_and_its_command_is_named(name: str, results: Path, tmp_path: Path) -> None:
    part = questions.PARTS[name]
    assert macros.numbers(results)[f"If{name}"] == r"\Shown"
    assert part.about not in macros.numbers(results)["MissingSentence"]
    without(results, name)
    build.sources(results, tmp_path / "build")
    told = macros.numbers(results)
    assert (told[f"If{name}"], told[f"No{name}"]) == (r"\LeftOut", r"\Shown")
    assert f"{part.about} (\\texttt{{lutra " in told["MissingSentence"]
    (line,) = [line for line in questions.lines(results) if line.startswith(part.files[0])]
    assert part.question in line
    assert line.endswith(f"write it with: {part.command}")


def test_a_part_with_some_of_its_files_is_refused(results: Path) -> None:
    (results / "hand_made_setup.csv").unlink()
    with pytest.raises(ResultError, match=r"hand_made_setup\.csv is missing; write it with: .*hand_made publish=true"):
        missing_files.check(results)


def test_a_question_is_asked_in_its_order_and_only_if_it_is_answered(results: Path) -> None:
    told = macros.numbers(results)
    asked = [question for question in questions.QUESTIONS if question in told["Questions"]]
    assert asked == [questions.TABLE, questions.SEARCH, questions.STAGES]
    text = (ROOT / "paper" / "paper.tex").read_text()
    places = [text.index(rf"\subsection*{{{question}}}") for question in questions.QUESTIONS]
    assert places == sorted(places)
    claimed = re.findall(r"\\emph\{([^}]*\?)\}", told["Claims"])
    assert claimed == asked


def test_every_conditional_of_the_text_has_a_macro_and_every_macro_a_text(results: Path) -> None:
    told = macros.numbers(results)
    for document in build.DOCUMENTS:
        text = (ROOT / "paper" / f"{document}.tex").read_text()
        assert {*re.findall(r"\\((?:If|No)[A-Z]\w+)\{", text)} <= {*told}
    assert {f"If{name}" for name in questions.PARTS} <= {*re.findall(r"\\(If[A-Z]\w+)\{", text_of("paper"))}


def text_of(document: str) -> str:
    return (ROOT / "paper" / f"{document}.tex").read_text()


def test_the_guide_says_which_command_writes_each_file() -> None:
    guide = (ROOT / "paper" / "README.md").read_text()
    for part in questions.PARTS.values():
        command = part.command.split()[2].removeprefix("experiments.")
        (line,) = [line for line in guide.splitlines() if f"| `{command}`" in line]
        assert all(f"`{file}`" in line for file in part.files), part
        assert part.question in line


@pytest.mark.usefixtures("unrendered")
def test_the_spread_of_a_latency_is_in_each_table(results: Path, tmp_path: Path) -> None:
    header, *lines = (results / "stages.csv").read_text().splitlines()
    known = [f"{line},{0.97 * float(line.split(',')[4])},{1.01 * float(line.split(',')[4])}" for line in lines]
    (results / "stages.csv").write_text("\n".join([f"{header},latency_low_s,latency_high_s", *known]) + "\n")
    listed(results)
    build.sources(results, tmp_path / "build")
    assert (tmp_path / "build" / "stages.tex").read_text().count(" & 3.0 & ") == len(lines)


def test_each_file_has_its_commit_and_older_ones_are_named_on_the_first_page(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(results / "setup.csv", "machine,", "table_verdict,noisy\nsession_verdict,clean\nmachine,")
    provenance.write(results, tmp_path)
    table = (tmp_path / "files.tex").read_text()
    assert table.count(SETUP["git_commit"][:13]) == 3  # the report, fidelity, protocols
    assert "noisy, clean" in table
    assert all(name in table for name in ("stages", "fidelity", "protocols", "ablation", "hand\\_"))
    assert "\\maketitle\n\\AgeNote{}\n" in text_of("paper")
    monkeypatch.setattr("paper.result_age.ages", lambda results: [])
    assert provenance.macros(results)["AgeNote"] == ""


@pytest.mark.parametrize(
    ("ages", "told"),
    [
        (
            [Age(("a.csv",), "0", 3), Age(("b.csv",), "1", 12)],
            r"of the code (the oldest is 12 commits behind); Table~\ref{tab:files} gives the commit of each file.}",
        ),
        ([Age(("a.csv",), "0", 1)], "(the oldest is 1 commit behind);"),
        ([Age(("curves.csv",), has_setup=False)], "Some results were made by earlier versions of the code; Table"),
        (
            [Age(("a.csv",), "0")],
            "{This checkout does not have the commit of some results. Table",
        ),
        ([Age(("a.csv",))], "{Some results do not record their commit. Table"),
        ([Age(("a.csv",), "0+", 3)], "3 commits behind); Table~\\ref{tab:files} gives the commit of each file. Some "),
        ([Age(("a.csv",), "0+", 0)], "{Some results were made with uncommitted changes. Table"),
    ],
)
def test_the_note_on_age_is_short(ages: list[Age], told: str, results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paper.result_age.ages", lambda results: ages)
    assert told in provenance.macros(results)["AgeNote"]
    assert ".csv" not in provenance.macros(results)["AgeNote"]


def test_a_line_of_the_table_of_files_has_what_differs_from_the_run(tmp_path: Path) -> None:
    run = {"space": "edge", "trunks": "0 2 3", "resolution": "32", "cpu": "C", "threads": "1", "onnxruntime": "1.0"}
    for made, told in [
        ({}, "as for stages"),
        ({"trunks": "all"}, "edge with all 12 trunks, 32 pixels; otherwise as for stages"),
        ({"trunks": ""}, "edge with all 12 trunks, 32 pixels; otherwise as for stages"),
        ({"space": "mobile", "trunks": ""}, "mobile, 32 pixels; otherwise as for stages"),
        ({"threads": "4"}, "C, 4 threads; otherwise as for stages"),
        ({"data": "digits"}, "images digits; otherwise as for stages"),
        ({"onnxruntime": ""}, "edge with 3 of its 12 trunks, 32 pixels; C, 1 thread"),  # unknown, so not as stages
        ({"cpu": ""}, "edge with 3 of its 12 trunks, 32 pixels; unnamed machine, 1 thread"),
    ]:
        write(tmp_path / "setup.csv", "key,value", [*(run | {"data": "cifar10"}).items()])
        write(tmp_path / "fidelity_setup.csv", "key,value", [*(run | {"data": "cifar10"} | made).items()])
        provenance.write(tmp_path, tmp_path)
        first, other = (tmp_path / "files.tex").read_text().splitlines()[4:6]
        assert "edge with 3 of its 12 trunks, 32 pixels; C, 1 thread; onnxruntime 1.0" in first
        assert other.split(" & ")[1] == told, made


def test_other_targets_of_a_search_are_told(results: Path) -> None:
    assert "also had" not in macros.numbers(results)["TargetSentence"]
    edit(results / "setup.csv", "target_ms,", "costs,latency size\ntarget_size_bytes,40000\ntarget_ms,")
    assert r"also had a target of 40.0\,kB of weights" in macros.numbers(results)["TargetSentence"]


def test_a_paper_of_a_report_alone_is_built(results: Path, begun: Path) -> None:
    without(results, *OPTIONAL)
    build.sources(results, begun)
    for document in build.DOCUMENTS:
        build.typeset(begun, document)
        log = (begun / f"{document}.log").read_text(errors="replace")
        assert "undefined" not in log


def test_claims_are_those_of_the_files(results: Path) -> None:
    told = macros.numbers(results)
    assert f"The chain of {told['ChainStages']} {told['AblationWholeBriefly']}" in told["Claims"]
    assert told["HandMadeBriefly"] in told["Claims"]
    without(results, "Fidelity")
    assert "each left out of the correction's fit" in claims.macros(results, macros.numbers(results))["Claims"]


def test_a_comparison_of_this_run_says_whether_search_beats_random_search(results: Path) -> None:
    assert "were not compared" in macros.numbers(results)["Claims"]
    header = "against,at,measure,a,b,mean_a,mean_b,p,significant,seeds,seeds_needed"
    write(
        results / "pairs.csv",
        header,
        [("evaluations", 60, "regret", "random", "evolution", 0.02, 0.01, 0.5, "False", 7, 7)],
    )
    columns = ",".join(one.name for one in fields(Curve))
    curves = [
        ("edge", "", name, "evaluations", 7, 60, 60, 0.5, "", "", 0.02, "", "") for name in ("evolution", "random")
    ]
    write(results / "curves.csv", columns, curves)
    when, other = "By regret after 60 evaluations, evolution", "random search (7 seeds)."
    assert claims.random(results, "evolution") == f"{when} does not differ significantly from {other}"
    edit(results / "pairs.csv", "0.5,False", "0.01,True")
    assert claims.random(results, "evolution") == f"{when} is significantly better than {other}"
    edit(results / "pairs.csv", "0.02,0.01", "0.01,0.02")
    assert claims.random(results, "evolution") == f"{when} is significantly worse than {other}"
    edit(results / "pairs.csv", "0.01,0.02", "0.02,0.02")
    assert "evolution is as good as random search" in claims.random(results, "evolution")
    edit(results / "curves.csv", "evolution,evaluations,7,60,60", "evolution,evaluations,7,60,4")
    assert claims.random(results, "evolution") == ""  # it did not finish as many,
    texts = macros.numbers(results) | {"ComparedOrigin": ""}
    assert "were not compared" not in claims.macros(results, texts)["Claims"]  # but it was compared
