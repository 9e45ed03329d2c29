"""Tests the sentences about runs with other settings, whose seeds.csv has a folder of its own."""

from __future__ import annotations

import csv
from dataclasses import asdict
from pathlib import Path

import pytest

from experiments.store import artefacts
from paper import build, checksums, longer_runs, provenance
from paper.compression_rows import Stage
from paper.csv_records import ResultError
from paper.rows import read
from tests.paper.made_up_results import listed

NOTHING = {"LongerSentences": ""}


@pytest.fixture
def longer(results: Path) -> Path:
    """A run without baselines, of two seeds; the second is 0.01 more accurate, and takes twice as long."""
    folder = results / "a_night"
    folder.mkdir()
    rows = [
        asdict(row) | {"seed": seed, "test_accuracy": 0.9 + 0.01 * seed, "latency_median_s": 1e-3 * (1 + seed)}
        for seed in (0, 1)
        for row in read(results, Stage)
        if row.stage not in ("reference", "random")
    ]
    artefacts.write_csv(folder / "seeds.csv", rows)
    (folder / longer_runs.SETUP).write_bytes((results / "setup.csv").read_bytes())
    listed(folder)
    return folder


def changed(longer: Path, key: str, value: str) -> None:
    path = longer / longer_runs.SETUP
    rows = [row | ({"value": value} if row["key"] == key else {}) for row in csv.DictReader(path.open(newline=""))]
    artefacts.write_csv(path, rows)


def test_without_such_a_run_there_is_no_sentence(results: Path) -> None:
    assert longer_runs.macros(results) == NOTHING


def test_a_sentence_has_the_means_of_the_winner_and_of_the_quantized_file(results: Path, longer: Path) -> None:
    said = longer_runs.macros(results)["LongerSentences"]
    assert r"(a\_night; 2 seeds)" in said
    both = r"90.5\,\% (90.0 to 91.0) at 1.50 (1.00 to 2.00)\,ms in"
    assert rf"Test accuracy and latency are {both} fp32; after pruning and finetuning, {both} INT8" in said
    assert "session" not in said
    assert "million MACs. Test" in said  # those of the paper's winner; steps are not known
    with (longer / longer_runs.SETUP).open("a") as file:
        file.write("session_verdict,noisy\n")
        file.write('session_verdict_reasons,"seed 1: 2 of 6 files are not known: a (+-3.0 %), b (+-11.4 %)"\n')
    assert longer_runs.macros(results)["LongerSentences"].endswith(
        r"The session was noisy (seed 1: 2 of 6 files are not known, at worst to $\pm$11.4\,\%). "
    )
    changed(longer, "cpu", "another machine")
    changed(longer, "device", "another machine")
    assert "In a run on the machine another machine" in longer_runs.macros(results)["LongerSentences"]


def test_another_runtime_is_named(results: Path, longer: Path) -> None:
    path = longer / longer_runs.SETUP
    path.write_text(path.read_text().replace("onnxruntime,", "litert,"))
    said = longer_runs.macros(results)["LongerSentences"]
    assert r"\emph{Other runs.} In a run on LiteRT 1.31.1 (" in said


def test_its_file_is_in_the_table_of_files_and_is_checked(results: Path, longer: Path, tmp_path: Path) -> None:
    provenance.write(results, tmp_path)
    assert r"seeds in a\_" in (tmp_path / "files.tex").read_text()
    path = longer / "seeds.csv"
    path.write_bytes(path.read_bytes().replace(b"0.91", b"0.99"))
    with pytest.raises(ResultError, match="was changed after it was published"):
        build.sources(results, tmp_path / "build")
    (longer / checksums.LIST).unlink()
    with pytest.raises(ResultError, match="SHA256SUMS is missing"):
        build.sources(results, tmp_path / "build")


@pytest.mark.parametrize("kept", [("retrained",), ("int8",), ()])
def test_a_run_without_its_winner_or_its_quantized_file_is_refused(
    results: Path, longer: Path, kept: tuple[str, ...]
) -> None:
    path = longer / "seeds.csv"
    rows = [row for row in csv.DictReader(path.open(newline="")) if row["stage"] in kept]
    path.write_text(path.read_text().splitlines()[0] + "\n")
    if rows:
        artefacts.write_csv(path, rows)
    with pytest.raises(ResultError, match=r"a_night/seeds\.csv"):
        longer_runs.macros(results)
