"""Tests the lineage of made-up steps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.store import artefacts, provenance
from experiments.store.step_index import index
from search_spaces.errors import LutraError


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
    steps = index(tmp_path / "runs")
    text = provenance.dump(provenance.trace(steps, inputs, [tmp_path / "table.json"], row))
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
        again = provenance.trace(index(tmp_path / "runs"), inputs, [tmp_path / "table.json"], found.row)
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
