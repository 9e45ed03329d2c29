"""Tests what the smallest pipeline leaves behind: its output, the report, TensorBoard, and the record of each step."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from experiments.config.registry import DATASETS
from experiments.steps.finished_reports import deployed_in
from experiments.steps.report import FIGURES, labels
from experiments.store import artefacts
from experiments.sweep.job_metrics import metrics
from predictors.board.measured_part import measured_part
from search_spaces.documents import sha256
from tests.commands import Command, Finished, git
from tests.experiments.outcomes import stamps


def labels_of_smoke() -> dict[str, str]:
    return labels(["reference", "random", "retrained", "pruned", "finetuned", "int8", "reference"])


def test_training_for_int8_is_named_in_words() -> None:
    named = labels(["reference", "retrained", "pruned", "quantization-aware", "int8", "retrained"])
    assert named["quantization-aware"] == "winner, pruned, trained for INT8"
    assert named["int8"] == "winner, pruned, trained for INT8, INT8"


def test_the_pipeline_prints_every_stage_and_where_to_look_next(finished: Finished) -> None:
    steps = [line for line in finished.out.splitlines() if line[1:3] == "/7"]
    assert steps == [
        f"{number}/7 {name}"
        for number, name in enumerate(("measure", "train", "search", "retrain", "compress", "benchmark", "report"), 1)
    ]
    table = finished.out[finished.out.index("7/7 report") :]
    for label in labels_of_smoke().values():
        assert label.split("(")[0].split(",")[-1].strip() in table
    assert table.count("│ fp32 │") == 6
    assert table.count("│ int8 │") == 4
    for column in ("val %", "test %", "median ms", "p90 ms", "predicted ms", "KB", "MMACs", "params", "steps"):
        assert column in table
    assert "tensorboard --logdir experiments/runs" in table


def test_the_report_holds_what_the_paper_is_made_of(finished: Finished) -> None:
    names = {path.name for path in finished.folder("report").iterdir()}
    tables = {f"{name}.csv" for name in ("stages", "candidates", "networks", "table", "setup", "architecture")}
    figures = {f"{name}.{kind}" for name in FIGURES for kind in ("pdf", "png")}
    assert tables | figures | {"int8.onnx", "int8.json", "lineage.json"} <= names


def test_the_deployed_file_is_the_one_that_the_report_made(finished: Finished, tmp_path: Path) -> None:
    """Beside it there may be files that a file manager leaves."""
    report = tmp_path / "report"
    shutil.copytree(finished.folder("report"), report)
    shutil.copy(report / "int8.onnx", report / "._int8.onnx")
    shutil.copy(report / "int8.onnx", report / "another.onnx")
    assert deployed_in(report) == report / "int8.onnx"
    assert metrics(report) == metrics(finished.folder("report")) != {}


def test_the_report_says_how_far_int8_answers_as_fp32(finished: Finished) -> None:
    data = DATASETS["digits"]("", 16, 0.2, 0)
    images = data.normalize(data.validation.images).numpy()
    files = [finished.folder("benchmark") / "finetuned.fp32.onnx", finished.folder("report") / "int8.onnx"]
    fp32, int8 = (onnxruntime.InferenceSession(file).run(None, {"image": images})[0].argmax(1) for file in files)
    agreed = np.mean(fp32 == int8)
    assert f"INT8 agrees with fp32 on {100 * agreed:.4g} % of {len(images)} validation images" in finished.out
    assert ("the layers that cost most" in finished.out) == (agreed < 0.99)
    with open(finished.folder("report") / "setup.csv", newline="") as file:
        facts = {row["key"]: row["value"] for row in csv.DictReader(file)}
    assert float(facts["int8_agreement"]) == pytest.approx(agreed)
    assert ("an x86 CPU without VNNI, sums" in finished.out) == (int(facts["saturating_layers"]) > 0)


def test_tensorboard_shows_every_step(finished: Finished) -> None:
    expected = {  # step -> scalars, figures, texts
        "measure": ((), ("heatmap", "prediction"), ()),
        "train": (("train/loss", "validation/largest"), (), ("config",)),
        "search": (("candidate/score", "best/accuracy"), ("architecture", "pareto"), ("config", "winner")),
        "report": (("stage/latency_ms", "final/test_accuracy", "best/score"), FIGURES, ("config", "winner", "stages")),
    }
    for step, (scalars, figures, texts) in expected.items():
        tags = (found := EventAccumulator(str(finished.folder(step))).Reload()).Tags()
        assert {*scalars} <= {*tags["scalars"]}
        assert {*figures} == {*tags["images"]}
        assert {"custom_scalars__config__", *(f"{name}/text_summary" for name in texts)} <= {*tags["tensors"]}
        assert tags["graph"] == (step == "train")
        if step == "train":
            assert len(found.Scalars("train/loss")) == 6  # the event file of the graph does not hide them
    with open(finished.folder("report") / "stages.csv", newline="") as file:
        deployed = next(row for row in csv.DictReader(file) if row["stage"] == "int8")
    assert found.Scalars("stage/file_kb")[-1].value == pytest.approx(int(deployed["file_bytes"]) / 1e3)


def test_the_file_that_is_timed_is_the_file_that_is_evaluated(finished: Finished) -> None:
    with open(finished.folder("report") / "stages.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["stage"] for row in rows} == set(labels_of_smoke())
    for row in rows:
        timed = finished.folder("benchmark") / f"{row['stage']}.{row['precision']}.onnx"
        assert row["sha256"] == artefacts.sha256(timed)
        assert int(row["file_bytes"]) == timed.stat().st_size
    (final,) = (row for row in rows if row["stage"] == "int8")
    deployed = finished.folder("report") / "int8.onnx"
    assert sha256(measured_part(deployed.read_bytes())) == final["sha256"]
    data = DATASETS["digits"]("", 16, 0.2, 0)
    images = data.normalize(data.test.images).numpy()
    logits = onnxruntime.InferenceSession(deployed).run(None, {"image": images})[0]
    accuracy = np.mean(logits.argmax(1) == data.test.labels.numpy())
    assert accuracy == pytest.approx(float(final["test_accuracy"]), abs=1e-6)


def test_every_step_says_what_it_was_made_from(finished: Finished) -> None:
    manifests = [*finished.runs.rglob("manifest.json")]
    steps = [manifest.parent.parent.name for manifest in manifests]
    assert sorted(steps) == sorted(
        [*["measure"] * 2, "train", "search", *["retrain"] * 3, *["compress"] * 9, "benchmark", "report"]
    )
    for path in manifests:
        record = json.loads(path.read_text())
        made_from = {key: record[key] for key in ("step", "config", "inputs")}
        assert path.parent.name.endswith(artefacts.digest(made_from)[:8])
        files = {file for file in path.parent.iterdir() if not file.name.startswith(("events.", ".lock", "manifest."))}
        assert record["outputs"] == {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
        assert record["versions"]["onnxruntime"] == onnxruntime.__version__
        assert record["seconds"] > 0
    search_inputs = artefacts.manifest(finished.folder("search"))["inputs"]
    supernet = finished.folder("train") / "supernet.safetensors"
    assert search_inputs == {"table": artefacts.sha256(finished.table), "supernet": artefacts.sha256(supernet)}


def test_the_demo_shows_the_deployed_file(finished: Finished, command: Command) -> None:
    before = stamps(finished.runs)
    done = command("demo", *finished.arguments)
    assert (done.code, done.err) == (0, "")
    assert stamps(finished.runs) == before
    with open(finished.folder("report") / "stages.csv", newline="") as file:
        (final,) = (row for row in csv.DictReader(file) if row["stage"] == "int8")
    assert f" images, accuracy {100 * float(final['test_accuracy']):.1f} % of " in done.out.splitlines()[-1]


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_nothing_else_appears_in_the_repository(finished: Finished) -> None:
    files = git(finished.house, "status", "--porcelain", "--ignored").splitlines()
    assert [line for line in files if "__pycache__" not in line] == ["!! experiments/runs/"]
    commit = git(finished.house, "describe", "--always", "--abbrev=12").strip()
    assert {json.loads(path.read_text())["git_commit"] for path in finished.runs.rglob("manifest.json")} == {commit}


def test_the_same_command_again_redoes_nothing(finished: Finished, command: Command, tmp_path: Path) -> None:
    before = stamps(finished.runs)
    done = command("pipeline", *finished.arguments, f"results={tmp_path / 'results'}")
    assert done.code == 0
    assert stamps(finished.runs) == before
    assert done.out[done.out.index("7/7 report") :] == finished.out[finished.out.index("7/7 report") :]
    assert not (tmp_path / "results").exists()


def test_only_publish_writes_results(finished: Finished, command: Command, tmp_path: Path) -> None:
    assert command("report", *finished.arguments, "publish=true", f"results={tmp_path / 'results'}").code == 0
    for name in ("stages", "candidates", "networks", "table", "setup"):
        published = tmp_path / "results" / f"{name}.csv"
        assert published.read_bytes() == (finished.folder("report") / published.name).read_bytes()
