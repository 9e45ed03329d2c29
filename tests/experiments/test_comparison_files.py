"""Tests the files of a comparison: that they belong together and to the run, and how old they are."""

from __future__ import annotations

import csv
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from paper import build, checksums, comparison, comparison_agreement, result_age
from paper.csv_records import ResultError
from paper.figures import compare as figure
from paper.rows import Pair, read

COMMITTED = Path(build.__file__).parent / "results"
RUN = {
    "space": "mobile", "data": "image_folder", "data_file": "images.tar.gz", "resolution": "32", "precision": "int8",
    "objective": "bounded", "target_ms": "0.2", "table_sha256": "ab" * 32, "cpu": "C", "machine": "x86_64",
    "threads": "1", "onnxruntime": "1.32.0", "git_commit": "0123456789ab",
}  # fmt: skip
CURVE = (
    "problem,reference,strategy,against,seeds,at,evaluations,share,share_low,share_high,regret,regret_low,regret_high"
)
PAIR = "against,at,measure,a,b,mean_a,mean_b,p,significant,seeds,seeds_needed"
MEANS = {"random": (0.7, 0.2), "nsga2": (0.9, 0.1)}  # share, regret
Change = Callable[[Path], object]


def write_setup(path: Path, facts: Mapping[str, str]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("key", "value"), *facts.items()])


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Made-up results of a comparison and of its run."""
    write_setup(tmp_path / "setup.csv", RUN)
    curves = [
        f"p,union,{name},{against},8,{at},{at},{share},0.6,0.95,{regret},0.05,0.3"
        for name, (share, regret) in MEANS.items()
        for against in ("evaluations", "seconds")
        for at in (10, 20)
    ]
    pairs = [
        f"{against},20,{measure},random,nsga2,{MEANS['random'][column]},{MEANS['nsga2'][column]},0.01,True,8,6"
        for against in ("evaluations", "seconds")
        for column, measure in enumerate(("share", "regret"))
    ]
    (tmp_path / "curves.csv").write_text("\n".join([CURVE, *curves, ""]))
    (tmp_path / "pairs.csv").write_text("\n".join([PAIR, *pairs, ""]))
    (tmp_path / "compare.csv").write_text("strategy,seed\nrandom,0\n")
    seal(tmp_path)
    return tmp_path


def seal(folder: Path, **changed: str) -> None:
    hashes = {
        f"{name}_sha256": hashlib.sha256((folder / f"{name}.csv").read_bytes()).hexdigest()
        for name in ("compare", "curves", "pairs")
    }
    write_setup(folder / comparison.SETUP, {**RUN, **hashes, **changed})


def test_files_of_one_comparison_and_run_are_accepted(results: Path) -> None:
    comparison_agreement.check(results)
    said = comparison.macros(results)
    assert "nsga2 is significantly better than random" in said["ComparedEvaluations"]
    assert "commit 0123456789ab" in said["ComparedSetup"]


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
    assert told["ComparedOrigin"].startswith("These results do not come from this paper's run, but from ")
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


def test_a_comparison_on_published_networks_needs_no_run_on_the_same_machine(results: Path) -> None:
    facts = {"space": "nasbench201", "objective": "pareto", "target_ms": "", "git_commit": "0123456789ab"}
    hashes = {
        f"{name}_sha256": hashlib.sha256((results / f"{name}.csv").read_bytes()).hexdigest()
        for name in ("compare", "curves", "pairs")
    }
    write_setup(results / comparison.SETUP, {**facts, **hashes})
    comparison_agreement.check(results)


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

    def git(*words: str) -> str:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *identity, *words], cwd=house, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(name: str) -> str:
        (house / name).write_text(str(len(list(house.rglob("*")))))
        git("add", "-A")
        git("commit", "-qm", name)
        return git("rev-parse", "--short=12", "HEAD")

    git("init", "-q")
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
