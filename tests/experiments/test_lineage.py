"""Tests the lineage of a small real run's winner."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from experiments.lineage import lineage
from experiments.steps.report import report as show_report
from experiments.store import artefacts, provenance
from predictors.board.measured_part import measured_part
from search_spaces import documents
from search_spaces.errors import LutraError
from tests.commands import Done, Finished, Here

STAGES = ["prune", "finetune", "quantize"]


@pytest.fixture(scope="module")
def runs(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the smallest pipeline's runs, which tests may damage."""
    return Path(shutil.copytree(finished.runs, tmp_path_factory.mktemp("copy") / "runs"))


@pytest.fixture
def report(runs: Path) -> Path:
    (folder,) = (runs / "report").iterdir()
    return folder


Told = Callable[..., Done]


@pytest.fixture
def told(here: Here) -> Told:
    return partial(here, lineage)


def hashes(text: str) -> list[str]:
    return re.findall(r"(?<!commit )\b[0-9a-f]{12}\b(?=  \d)", text)


def test_the_file_names_every_step_in_order(runs: Path, report: Path) -> None:
    record = json.loads((report / "lineage.json").read_text())
    assert [step["what"] for step in record["line"]] == ["train", "search", "retrain", *STAGES, "benchmark"]
    for step in (*record["line"], *record["others"]):
        assert artefacts.sha256(runs / step["folder"] / step["file"]) == step["sha256"]
        assert artefacts.sha256(runs / step["folder"] / "manifest.json") == step["manifest"]
    made = record["line"][2:-1]
    assert [step["inputs"]["parent"] for step in made[1:]] == [step["sha256"] for step in made[:-1]]
    recorded = {step["folder"] for step in (*record["line"], *record["others"])}
    everything = {path.parent.relative_to(runs).as_posix() for path in runs.glob("*/*/manifest.json")}
    assert recorded | {f"report/{report.name}"} == everything


def test_the_row_is_the_report_s_of_the_deployed_file(report: Path) -> None:
    row = json.loads((report / "lineage.json").read_text())["row"]
    assert row["sha256"] == documents.sha256(measured_part((report / "int8.onnx").read_bytes()))
    with open(report / "stages.csv", newline="") as file:
        assert {key: "" if value is None else str(value) for key, value in row.items()} in list(csv.DictReader(file))


def test_the_tree_s_leaf_is_the_deployed_file(runs: Path, report: Path, told: Told) -> None:
    code, out, err = told(f"run={report}")[:3]
    assert (code, err) == (0, "")
    line, _ = out.split("other steps and files")
    deployed = documents.sha256(measured_part((report / "int8.onnx").read_bytes()))
    assert hashes(line)[-1] == deployed[:12]
    assert deployed in out
    record = json.loads((report / "lineage.json").read_text())
    assert hashes(line)[:-1] == [step["sha256"][:12] for step in record["line"]]
    assert all(stage in line for stage in STAGES)
    assert line.count("on test") == len(["weights", *STAGES, "measured", "report"])
    assert str(report / "lineage.json") in out


def test_by_configuration_it_is_the_same_tree(finished: Finished, runs: Path, report: Path, told: Told) -> None:
    by_folder = told(f"run={report}")[1]
    code, out, err = told(*finished.arguments, f"runs={runs}")[:3]
    assert (code, err) == (0, "")
    assert out.endswith(by_folder)


def everything(folder: Path) -> set[tuple[Path, int]]:
    return {(path, path.stat().st_mtime_ns) for path in folder.rglob("*")}


def test_without_a_report_of_the_configuration_it_names_those_there_are(runs: Path, report: Path, told: Told) -> None:
    before = everything(runs)
    code, out, err = told(f"runs={runs}", "seed=7", "supernet_seed=7")[:3]
    assert (code, out) == (2, "")
    assert str(report) in err.splitlines()[-1]
    assert everything(runs) == before


def test_a_report_is_shown_again_and_nothing_is_made(runs: Path, report: Path, here: Here) -> None:
    before = everything(runs)
    code, out, _ = here(show_report, f"run={report}", f"runs={runs}")[:3]
    assert code == 0
    assert f"The deployed file: {report / 'int8.onnx'}" in out
    rows = list(csv.DictReader((report / "stages.csv").open(newline="")))
    for row in rows:
        assert f"{100 * float(row['test_accuracy']):.2f}" in out
    for folder in ("nowhere", next((runs / "measure").iterdir())):
        code, _, err = here(show_report, f"run={folder}", f"runs={runs}")[:3]
        assert code == 2
        assert str(report) in err
    assert everything(runs) == before


FILES = [
    "measure/*/table.json",
    "measure/*/rounds.jsonl",
    "train/*/supernet.safetensors",
    "search/*/candidates.jsonl",
    "search/*/winner.json",
    "retrain/*/network.safetensors",
    "compress/*/network.safetensors",
    "compress/*/int8.onnx",
    "benchmark/*/int8.int8.onnx",
    "benchmark/*/benchmark.json",
    "report/*/stages.csv",
    "report/*/lineage.json",
    "report/*/int8.onnx",
    *(f"{step}/*/manifest.json" for step in ("measure", "train", "search", "retrain", "compress", "benchmark")),
]


@pytest.mark.parametrize("pattern", FILES)
def test_a_flipped_byte_or_a_lost_file_is_named(pattern: str, runs: Path, report: Path, told: Told) -> None:
    """The command says the same, which is tested on one file of each kind."""
    paths = sorted(runs.glob(pattern))
    assert paths
    for path in paths:
        whole = path.read_bytes()
        damaged = bytearray(whole)
        damaged[len(damaged) // 2] ^= 1
        try:
            for content in (bytes(damaged), None):
                path.write_bytes(content) if content is not None else path.unlink()
                with pytest.raises(LutraError, match=re.escape(str(path))) as caught:
                    provenance.verify(report)
                assert "\n" not in str(caught.value)
            if path == paths[0]:
                done = told(f"run={report}")
                assert (done.code, done.out, done.err) == (2, "", f"error: {caught.value}\n")
        finally:
            path.write_bytes(whole)
    provenance.verify(report)


def test_the_report_s_own_manifest_is_held_to_its_folder_and_files(report: Path) -> None:
    path = report / "manifest.json"
    whole = path.read_bytes()
    try:
        for position in range(0, len(whole), 7):
            damaged = bytearray(whole)
            damaged[position] ^= 1
            path.write_bytes(damaged)
            with pytest.raises(LutraError, match=str(report)):
                provenance.verify(report)
    finally:
        path.write_bytes(whole)
    provenance.verify(report)


def test_what_is_no_report_is_refused(runs: Path, told: Told) -> None:
    (search,) = (runs / "search").iterdir()
    code, out, err = told(f"run={search}")[:3]
    assert (code, out) == (2, "")
    assert f"{search} has no lineage.json" in err
    for folder in (runs / "nowhere", runs):
        assert f"{folder / 'manifest.json'} is missing: run= takes the folder" in told(f"run={folder}")[2]
