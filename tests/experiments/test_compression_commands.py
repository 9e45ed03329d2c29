"""Tests the real commands that compress: every stage, hand-made networks, the ablation, and equal treatment."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest

from experiments.config import Config, compression
from experiments.config.compression import CompressConfig, PruneConfig
from experiments.setup.session_record import read_rows
from experiments.stages import STAGES
from experiments.steps.compress import Made, chain_of, unpruned_chain
from experiments.store import artefacts
from experiments.studies.ablation import LABELS_ALONE, SUBSETS, TAUGHT
from experiments.studies.hand_made import saving
from tests.commands import ONE_REGISTRY, Command, Finished, copy_steps


def test_every_stage_goes_through_the_command(finished: Finished, command: Command, tmp_path: Path) -> None:
    copy_steps(finished, tmp_path, "measure", "train", "search", "retrain")
    stages = "compress.stages=[lowrank,prune,sparsify,qat,quantize]"
    chosen = ("compress.quantize.method=percentile", "compress.prune.rule=uniform")  # the device's widths take longer
    done = command("compress", *finished.arguments, f"runs={tmp_path}", stages, *chosen)
    assert (done.code, done.err) == (0, "")
    assert (Path(done.out.splitlines()[-1]) / "int8.onnx").exists()
    done = command("compress", *finished.arguments, f"runs={tmp_path}", "compress.stages=[cluster,quantize]")
    assert (done.code, done.err) == (0, "")
    assert "entropy-coded: " in done.out
    made = {artefacts.manifest(folder)["config"]["stage"] for folder in (tmp_path / "compress").iterdir()}
    assert made == {*compression.STAGES} - {"finetune"} == {*STAGES} - {"finetune"}


def test_a_hand_made_network_is_pruned_finetuned_and_quantized(
    finished: Finished, command: Command, tmp_path: Path
) -> None:
    arguments = (*finished.arguments, f"runs={tmp_path}", "model=resnet8", "compress.prune.rule=depgraph")
    done = command("benchmark", *arguments, before=ONE_REGISTRY)
    assert (done.code, done.err) == (0, "")
    rows, _ = read_rows(Path(done.out.splitlines()[-1]))
    assert [(row.stage, row.precision) for row in rows] == [
        *((name, "fp32") for name in ("retrained", "pruned", "finetuned")),
        ("int8", "int8"),
        ("retrained", "int8"),
    ]
    assert rows[1].macs < rows[0].macs
    assert [row.steps for row in rows] == [6, 6, 10, 10, 10]
    assert all(row.predicted_s is None for row in rows)


@pytest.mark.parametrize(
    "prune", [PruneConfig(target_ms=0.1), PruneConfig("uniform", keep=0.5)], ids=["target", "rule"]
)
def test_further_files_of_the_winner_save_what_is_asked(prune: PruneConfig) -> None:
    """They are saved however the winner itself is pruned."""
    config = dataclasses.replace(Config(), compress=CompressConfig(prune=prune))
    asked = saving(config, 0.8).compress.prune
    assert (asked.rule, asked.target_ms, asked.saved, asked.keep) == ("device", None, 0.8, prune.keep)


def test_the_ablation_times_every_subset_of_stages(finished: Finished, command: Command, tmp_path: Path) -> None:
    copy_steps(finished, tmp_path, "measure", "train", "search", "retrain", "compress")
    done = command("ablation", *finished.arguments, f"runs={tmp_path}")
    assert (done.code, done.err) == (0, "")
    with open(Path(done.out.splitlines()[-1]) / "ablation.csv", newline="") as file:
        rows = {row["stage"]: row for row in csv.DictReader(file)}
    assert set(rows) == {*SUBSETS, LABELS_ALONE, TAUGHT}
    final = artefacts.sha256(finished.folder("compress") / "int8.onnx")
    assert rows["prune, finetune, quantize"]["sha256"] == final
    assert rows[LABELS_ALONE]["sha256"] == final != rows[TAUGHT]["sha256"]  # the default is training without a teacher
    assert {rows[name]["steps"] for name in ("nothing", "prune", "quantize", "prune, quantize")} == {"6"}
    assert {rows[name]["steps"] for name in (LABELS_ALONE, "finetune, quantize")} == {"10"}
    assert rows["prune, finetune, qat, quantize"]["steps"] == "14"
    compared = {row.stage: row for row in read_rows(finished.folder("benchmark"))[0] if row.precision == "int8"}
    assert rows["finetune, quantize"]["sha256"] == compared["retrained"].sha256  # one network, one file in all tables
    assert {row["precision"] for name, row in rows.items() if "quantize" in name} == {"int8"}


def test_networks_that_are_compared_are_trained_as_long_and_quantized_alike(finished: Finished) -> None:
    rows = read_rows(finished.folder("benchmark"))[0]
    deployed = next(row for row in rows if row.stage == "int8")
    compared = [row for row in rows if row.precision == "int8" and row is not deployed]
    assert [row.stage for row in compared] == ["reference", "random", "retrained"]
    assert {row.steps for row in compared} == {deployed.steps} == {10}
    alone = [row for row in rows if row.precision == "fp32" and row.stage in ("reference", "random", "retrained")]
    assert [row.steps for row in alone] == [6, 6, 6]


def test_every_compared_network_goes_through_the_stage_that_writes_the_deployed_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each goes through the same choices of kind, bits and layers in float, and is trained for as long."""
    asked: list[str] = []

    def staged(config: Config, name: str, label: str, root: Path, made: Made, prefix: str) -> Made:
        asked.append(name)
        return Made(
            label,
            root,
            made.path,
            None,
            made.steps + (trained.steps if (trained := STAGES[name].recipe(config)) else 0),
        )

    monkeypatch.setattr("experiments.steps.compress._stage", staged)
    for stages in (["prune", "finetune", "quantize"], ["lowrank", "prune", "sparsify", "qat", "quantize"], ["cluster"]):
        config = dataclasses.replace(Config(), compress=CompressConfig(stages=stages))
        asked.clear()
        total = list(chain_of(config, Path(), stages))[-1].steps
        asked.clear()
        assert unpruned_chain(config, Path())[-1].steps == total
        assert asked[-1] == "quantize"
        assert not {"prune", "lowrank", "sparsify", "cluster"} & {*asked}
