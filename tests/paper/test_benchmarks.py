"""Tests the table of comparisons on published networks, each in a folder of its own in the results."""

from __future__ import annotations

from pathlib import Path

import pytest

from paper import benchmarks, comparison, other_results, provenance, published_networks, result_age
from paper.csv_records import ResultError
from paper.setup_file import Setup
from tests.paper.made_up_comparison import RUN, compared, edit, seal, write_setup
from tests.paper.made_up_results import listed

TITLES = ("NAS-Bench-201 on a Pi", "NAS_Bench_Macro")
CITED = r"NAS-Bench-201~\cite{dong2020nasbench201} on a Pi"
OF_A_FILE = {
    "accuracy_seen": "acc_1", "accuracy_reported": "acc2+acc3", "objective": "bounded", "precision": "",
    "data_file": "a_file.csv",
}  # fmt: skip


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
        seal(folder, **(OF_A_FILE | ({"latencies_sha256": "ab", "precision": "int8"} if number else {})))
        listed(folder)
    return tmp_path


def test_each_comparison_has_a_line_and_a_sentence(results: Path) -> None:
    benchmarks.check(results)
    said = benchmarks.macros(results)["BenchmarksSentence"]
    both = "by regret and by hypervolume after 20 evaluations"
    assert f"On {CITED}, {both}, NSGA-II is significantly better than random search." in said
    assert rf"On NAS\_Bench\_Macro, {both}, no two strategies differ significantly." in said
    assert (
        r"The searches saw the column acc\_1 of the file; their choices are judged by the mean of acc2 and acc3."
        in said
    )
    benchmarks.write(results, results)
    lines = (results / "benchmarks.tex").read_text().splitlines()
    assert benchmarks.macros(results)["BenchmarksBudget"] == "20 evaluations, over 8 seeds"
    assert "published networks & random & NSGA-II \\\\" in lines
    assert rf"{CITED} & 20.00 & \textbf{{10.00}} \\" in lines
    assert r"NAS\_Bench\_Macro & 20.00 & 10.00 \\" in lines
    edit(results / "0" / "pairs.csv", ",True,8,6", ",True,9,6")
    benchmarks.write(results, results)
    assert rf"{CITED} & 20 & 9 & 20.00 & \textbf{{10.00}} \\" in (results / "benchmarks.tex").read_text()


def test_the_claim_about_a_strategy_is_that_of_its_regrets(results: Path) -> None:
    start = "With published accuracies, and latencies that are published or predicted, NSGA-II"
    there, better = "NAS-Bench-201 on a Pi (8 seeds)", "is significantly better than random search by regret"
    assert benchmarks.claim(results, "nsga2") == (
        f"{start} {better} and by hypervolume on {there}; it does not differ significantly from random search by "
        r"regret and by hypervolume on NAS\_Bench\_Macro (8 seeds)."
    )
    edit(results / "1" / "pairs.csv", "0.5,False", "0.01,True")
    seal(results / "1", **OF_A_FILE)
    both = rf"{there} and NAS\_Bench\_Macro (8 seeds)."
    assert benchmarks.claim(results, "nsga2") == f"{start} {better} and by hypervolume on {both}"
    assert benchmarks.claim(results, "evolution") == ""  # was not compared


def test_a_verdict_by_hypervolume_that_differs_is_told(results: Path) -> None:
    pairs, curves = results / "0" / "pairs.csv", results / "0" / "curves.csv"
    edit(pairs, "share,random,nsga2,0.7,0.9,0.01,True", "share,random,nsga2,0.7,0.9,0.5,False")
    seal(results / "0", **OF_A_FILE)
    told = f"On {CITED}, by regret after 20 evaluations, NSGA-II is significantly better than random search."
    said = benchmarks.macros(results)["BenchmarksSentence"]
    assert f"{told} By hypervolume, no two strategies differ significantly." in said
    edit(pairs, "share,random,nsga2,0.7,0.9,0.5,False", "share,random,nsga2,0.95,0.9,0.01,True")
    edit(curves, ",0.7,0.6", ",0.95,0.6")
    seal(results / "0", **OF_A_FILE)
    said = benchmarks.macros(results)["BenchmarksSentence"]
    assert f"{told} By hypervolume, however, random search is significantly better than NSGA-II." in said


def test_a_strategy_that_did_not_finish_is_not_compared(results: Path) -> None:
    edit(results / "0" / "curves.csv", "nsga2,evaluations,8,20,20", "nsga2,evaluations,8,20,4")
    seal(results / "0", **OF_A_FILE)
    with pytest.raises(ResultError, match="no two strategies finished all evaluations"):
        benchmarks.macros(results)


def test_latencies_are_said_to_be_the_publishers_or_predicted(results: Path) -> None:
    first, second = benchmarks.macros(results)["BenchmarksSentence"].split(r"On NAS\_Bench\_Macro")
    assert "The latencies are also those of the file, measured by its publishers on their device, not by us." in first
    assert "The latencies are predicted by our latency table of C (1 thread, INT8)." in second
    write_setup(results / "setup.csv", RUN)
    provenance.write(results, results)
    table = (results / "files.tex").read_text().replace(r"\allowbreak{}", "")
    of_file, of_table = [line for line in table.splitlines() if line.startswith("compare, curves, pairs in ")]
    assert r"the file a\_file.csv, with its publishers' accuracies and latencies; nothing was measured here" in of_file
    assert "onnxruntime" not in of_file
    assert "latencies predicted for C (1 thread, INT8)" in of_table


def test_the_publishers_of_known_latencies_are_cited() -> None:
    facts = {"data_file": "nasbench201_cifar10_rpi4.csv", "precision": ""}
    assert r"HW-NAS-Bench~\cite{li2021hwnasbench}" in published_networks.latencies(Setup(Path(), facts))
    assert published_networks.cited("HW-NAS-Bench & mine") == r"HW-NAS-Bench~\cite{li2021hwnasbench} \& mine"
    known = (Path(benchmarks.__file__).parent / "references.bib").read_text()
    assert all(f"{{{key}," in known for key in published_networks.CITED.values())


@pytest.mark.parametrize(
    ("reported", "judged"),
    [
        ("acc2", "judged by acc2."),
        ("acc1", "judged by the same column, which flatters all strategies."),
        ("acc1+acc2", "judged by the mean of acc1 and acc2, which flatters all strategies."),
    ],
)
def test_an_accuracy_that_was_seen_and_judges_is_told(reported: str, judged: str) -> None:
    facts = {"accuracy_seen": "acc1", "accuracy_reported": reported}
    assert published_networks.columns(Setup(Path(), facts)).endswith(judged)


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
        other_results.check(results)


def test_the_age_of_each_comparison_is_told(results: Path) -> None:
    assert any(f"0/{comparison.SETUP}, 1/{comparison.SETUP}" in line for line in result_age.lines(results))


def test_without_any_there_is_no_sentence(tmp_path: Path) -> None:
    assert not benchmarks.published(tmp_path)
    assert benchmarks.macros(tmp_path)["BenchmarksSentence"] == ""
