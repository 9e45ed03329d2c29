"""Tests a winner's lineage: of a small real run, and of made-up steps."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from experiments.config import Config, SpaceConfig
from experiments.lineage import lineage
from experiments.steps.compress import folder_of_search
from experiments.steps.report import report as show_report
from experiments.store import artefacts, journal, provenance
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
    code, _, err = here(show_report, "run=nowhere", f"runs={runs}")[:3]
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
    assert told(f"run={runs / 'nowhere'}")[0] == 2


# Made-up steps


@pytest.fixture
def step(tmp_path: Path) -> Callable[..., Path]:
    """Returns a function that makes a finished step with one file for each content."""

    def make(name: str, inputs: dict[str, str], contents: dict[str, str], **config: object) -> Path:
        def work(folder: Path) -> None:
            for file, content in contents.items():
                artefacts.write(folder / file, content)

        return artefacts.step(tmp_path / "runs", name, "made-up", config, inputs, work)

    return make


@pytest.fixture
def inputs(step: Callable[..., Path], tmp_path: Path) -> dict[str, str]:
    """Returns the inputs of a report on a given table."""
    table = tmp_path / "table.json"
    table.write_text("a table")
    given = artefacts.sha256(table)
    train = step("train", {}, {"supernet.safetensors": "supernet"})
    supernet = artefacts.sha256(train / "supernet.safetensors")
    search = step("search", {"table": given, "supernet": supernet}, {"winner.json": json.dumps({"arch": [0, 1]})})
    parent = step("retrain", {}, {"network.safetensors": "weights"}, arch=[0, 1]) / "network.safetensors"
    for stage in ("prune", "finetune", "prune"):
        made = step("compress", {"parent": artefacts.sha256(parent)}, {parent.name: f"{parent}"}, stage=stage)
        parent = made / parent.name
    last = step("compress", {"parent": artefacts.sha256(parent)}, {"int8.onnx": "deployed"}, stage="quantize")
    deployed = artefacts.sha256(last / "int8.onnx")
    files = {"table": given, "quantized": deployed, "passport": "0" * 64}
    benchmark = step("benchmark", files, {"int8.int8.onnx": "deployed"})
    folders = {"train": train, "search": search, "compress": last, "benchmark": benchmark}
    return {name: artefacts.sha256(folder / "manifest.json") for name, folder in folders.items()} | {"table": given}


def reported(step: Callable[..., Path], inputs: dict[str, str], tmp_path: Path) -> Path:
    row = {"sha256": artefacts.sha256(next((tmp_path / "runs").glob("compress/*/int8.onnx")))}
    index = provenance.index(tmp_path / "runs")
    text = provenance.dump(provenance.trace(index, inputs, [tmp_path / "table.json"], row))
    return step("report", inputs, {"lineage.json": text, "int8.onnx": "deployed"})


def test_a_stage_may_come_twice_and_a_copy_is_no_origin(
    step: Callable[..., Path], inputs: dict[str, str], tmp_path: Path
) -> None:
    first = reported(step, inputs, tmp_path)
    step("ablation", {"quantized": provenance.load(first / "lineage.json").row["sha256"]}, {"a.onnx": "deployed"})
    for _ in range(2):
        found = provenance.verify(first)
        whats = [one.what for one in found.line]
        assert whats == ["train", "search", "retrain", "prune", "finetune", "prune", "quantize", "benchmark"]
        again = provenance.trace(provenance.index(tmp_path / "runs"), inputs, [tmp_path / "table.json"], found.row)
        assert again == found


def test_a_given_table_is_verified(step: Callable[..., Path], inputs: dict[str, str], tmp_path: Path) -> None:
    folder = reported(step, inputs, tmp_path)
    assert provenance.verify(folder).given == {str(tmp_path / "table.json"): inputs["table"]}
    (tmp_path / "table.json").write_text("b table")
    with pytest.raises(LutraError, match=r"the given file .*table\.json"):
        provenance.verify(folder)


def test_an_input_of_unknown_origin_is_told(step: Callable[..., Path], inputs: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "table.json").unlink()
    with pytest.raises(LutraError, match=f"no step in .* made the table {inputs['table'][:12]} that .*search.* read"):
        provenance.verify(reported(step, inputs, tmp_path))


def test_a_report_that_says_otherwise_than_its_manifests_is_refused(
    step: Callable[..., Path], inputs: dict[str, str], tmp_path: Path
) -> None:
    text = (reported(step, inputs, tmp_path) / "lineage.json").read_text()
    other = step("report", inputs, {"lineage.json": text.replace('"finetune"', '"qat"')}, second=True)
    with pytest.raises(LutraError, match="does not follow from the manifests"):
        provenance.verify(other)


# A winner from a folder that is given


@pytest.fixture
def search_folder(finished: Finished, tmp_path: Path) -> Path:
    """Returns a copy of a finished search."""
    folder = finished.folder("search")
    return Path(shutil.copytree(folder, tmp_path / "search" / folder.name))


def resealed(folder: Path) -> None:
    """Updates the manifest after files were changed."""
    record = documents.read_sealed(folder / "manifest.json")
    record["outputs"] = {name: artefacts.sha256(folder / name) for name in record["outputs"]}
    (folder / "manifest.json").write_text(documents.sealed(record))


def found(folder: Path) -> Path:
    return folder_of_search(Config(run=str(folder)))


def test_a_search_that_is_given_is_used_where_all_of_it_is_proven(search_folder: Path, finished: Finished) -> None:
    assert found(search_folder) == search_folder
    assert found(finished.folder("search")) == finished.folder("search")


@pytest.mark.parametrize("text", ["[]", "null", "5", "[" * 100_000, "{}", '{"arch": 5}', "\ufeff{}", "", "NaN"])
def test_a_winner_that_is_none_is_one_line(text: str, search_folder: Path) -> None:
    (search_folder / "winner.json").write_text(text, encoding="utf-8")
    for mend in (lambda: None, lambda: resealed(search_folder)):
        mend()
        with pytest.raises(LutraError, match=re.escape(str(search_folder))) as caught:
            found(search_folder)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("arch", [0] * 7), ("accuracy", 0.9999), ("latency", 1e-9), ("score", 99.0)],
)
def test_a_winner_that_its_candidates_do_not_prove_is_refused(key: str, value: object, search_folder: Path) -> None:
    record = json.loads((search_folder / "winner.json").read_text())
    (search_folder / "winner.json").write_text(json.dumps({**record, key: value}))
    with pytest.raises(LutraError, match=r"winner\.json was changed since it was made"):
        found(search_folder)
    resealed(search_folder)
    with pytest.raises(LutraError, match=r"is not the best of its candidates"):
        found(search_folder)


def test_candidates_that_beat_the_winner_are_told(search_folder: Path) -> None:
    (last,) = journal.read(search_folder / "candidates.jsonl")[-1:]
    journal.append(search_folder / "candidates.jsonl", {**last, "feasible": True, "score": 99.0})
    resealed(search_folder)
    with pytest.raises(LutraError, match=r"is not the best of its candidates"):
        found(search_folder)


def test_a_search_under_the_name_of_another_is_refused(search_folder: Path) -> None:
    renamed = search_folder.with_name(search_folder.name[:-8] + "01234567")
    search_folder.rename(renamed)
    with pytest.raises(LutraError, match=r"belongs to another step than"):
        found(renamed)


def test_a_search_of_another_space_is_refused(search_folder: Path) -> None:
    config = dataclasses.replace(Config(run=str(search_folder)), space=SpaceConfig("mobile"))
    with pytest.raises(LutraError, match="is a search of space=tiny, whose layers are not those of space=mobile"):
        folder_of_search(config)


@pytest.mark.parametrize(("key", "value"), [("seed", 1), ("validation", 0.3), ("balanced", True), ("name", "cifar10")])
def test_a_search_on_other_images_is_refused(key: str, value: object, search_folder: Path) -> None:
    """A winner may have been chosen on images that another split trains on."""
    config = Config(run=str(search_folder))
    with pytest.raises(LutraError, match=r"other images|with these images"):
        folder_of_search(dataclasses.replace(config, data=dataclasses.replace(config.data, **{key: value})))
