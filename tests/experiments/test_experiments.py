"""Tests the real commands with tiny settings: one finished pipeline, kills, full disks and wrong input."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import hashlib
import inspect
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from experiments.config import Config, compression
from experiments.config import command as command_line
from experiments.config.choices import SPACES, STRATEGIES, space_of
from experiments.config.compression import CompressConfig, PruneConfig
from experiments.config.registry import DATASETS, OBJECTIVES
from experiments.setup.devices import DEVICES
from experiments.setup.session_record import read_rows
from experiments.stages import STAGES
from experiments.steps.compress import Made, chain_of, compress, unpruned_chain
from experiments.steps.plan import search, train
from experiments.steps.report import FIGURES, labels
from experiments.store import artefacts
from experiments.studies.ablation import LABELS_ALONE, SUBSETS, TAUGHT
from experiments.studies.hand_made import saving
from predictors.board.fingerprint import PRECISIONS
from predictors.board.measured_part import measured_part
from predictors.tables.assembly import assemble, file_name
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import dump, load
from predictors.timing.blocks import all_specs, block_specs, networks_to_time
from predictors.timing.rounds import Protocol, Round
from search_spaces.costs import macs
from search_spaces.documents import sha256
from search_spaces.space import SearchSpace
from search_spaces.spaces.tiny import tiny
from tests.commands import ONE_REGISTRY, ROOT, Command, Finished, copy_steps, git

# Code that a command runs first: quantizing the files of a table takes longer than measuring it for an instant
UNROUNDED = "import compress.runtimes as r; r.onnxruntime.int8 = lambda source, *_: source.onnx"
GROUPS = {"data": DATASETS, "space": SPACES, "device": DEVICES, "strategy": STRATEGIES, "objective": OBJECTIVES}
Refused = Callable[..., str]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Refused:
    """Returns the one line on stderr of a command that refuses, run in this process; it may write nothing else."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")

    def run(function: Callable[[Config], object], *arguments: str) -> str:
        runs = tmp_path / "runs"
        arguments = (f"runs={runs}", *arguments)
        monkeypatch.setattr(sys, "argv", ["command", *arguments])
        with pytest.raises(SystemExit) as stopped:
            command_line.run(function)
        assert stopped.value.code == 2
        assert not list(runs.rglob("*"))
        return one_line(capsys.readouterr().err)

    return run


def one_line(err: str) -> str:
    assert err.startswith("error: "), err
    assert err.count("\n") == 1, err
    return err


def stamps(runs: Path) -> dict[Path, tuple[int, int]]:
    """Returns the time and the inode of every file of the finished steps."""
    files = [file for manifest in runs.rglob("manifest.json") for file in manifest.parent.iterdir()]
    return {file: (file.stat().st_mtime_ns, file.stat().st_ino) for file in files if file.name != ".lock"}


def results(runs: Path) -> dict[str, str]:
    """Returns the sha256 of every file that does not depend on the clock."""
    kinds = ("winner.json", "candidates.jsonl", "candidates.csv", "*.safetensors", "int8.onnx")
    files = [file for kind in kinds for file in runs.glob(f"*/*/{kind}") if file.parts[-3] != "report"]
    return {str(file.relative_to(runs)): artefacts.sha256(file) for file in files}


def wait(until: Callable[[], bool]) -> None:
    for _ in range(30000):
        if until():
            return
        time.sleep(0.002)
    pytest.fail("waited a minute for nothing")


def ended(group: int) -> bool:
    """Whether no process of the group runs any more, according to /proc."""
    running = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, its_group = path.read_text().rpartition(")")[2].split()[:3]
            running += state != "Z" and int(its_group) == group
    return not running


# The finished pipeline


def labels_of_smoke() -> dict[str, str]:
    return labels(["reference", "random", "retrained", "pruned", "finetuned", "int8", "reference"])


def test_training_for_int8_is_named_in_words() -> None:
    named = labels(["reference", "retrained", "pruned", "quantization-aware", "int8", "retrained"])
    assert named["quantization-aware"] == "winner, pruned, trained for INT8"
    assert named["int8"] == "winner, pruned, trained for INT8, INT8"


def test_the_pipeline_prints_every_stage_and_where_to_look_next(finished: Finished) -> None:
    steps = [line for line in finished.out.splitlines() if line[1:3] == "/6"]
    assert steps == [
        f"{number}/6 {name}"
        for number, name in enumerate(("measure", "train", "search", "compress", "benchmark", "report"), 1)
    ]
    table = finished.out[finished.out.index("6/6 report") :]
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
    assert done.out[done.out.index("6/6 report") :] == finished.out[finished.out.index("6/6 report") :]
    assert not (tmp_path / "results").exists()


def test_only_publish_writes_results(finished: Finished, command: Command, tmp_path: Path) -> None:
    assert command("report", *finished.arguments, "publish=true", f"results={tmp_path / 'results'}").code == 0
    for name in ("stages", "candidates", "networks", "table", "setup"):
        published = tmp_path / "results" / f"{name}.csv"
        assert published.read_bytes() == (finished.folder("report") / published.name).read_bytes()


# Compression


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


# Kills


def test_a_pipeline_killed_at_every_step_ends_as_if_it_was_not(
    finished: Finished, command: Command, tmp_path: Path
) -> None:
    """It uses the same table and starts seven times, with another hash seed than the undisturbed run."""
    arguments = (*finished.arguments, f"runs={tmp_path}", "compress.stages=[finetune,quantize]")

    def kill(group: int) -> None:
        wait(lambda: bool(list(tmp_path.glob("measure/*/rounds.jsonl"))))
        os.kill(group, signal.SIGKILL)  # only the host: its agent must notice
        wait(lambda: ended(group))

    assert command("pipeline", *arguments, meanwhile=kill, before=UNROUNDED).code == -signal.SIGKILL
    assert not list(tmp_path.rglob("manifest.json"))
    shutil.rmtree(tmp_path / "measure")
    copy_steps(finished, tmp_path, "measure")
    moments = (
        ("/supernet.safetensors'", 1),
        ("candidates.jsonl', 'a'", 4),
        ("/network.safetensors'", 1),
        ("/int8.onnx'", 1),
        ("/benchmark.json'", 1),
        ("/networks.csv'", 1),
    )
    done = stamps(tmp_path)
    for moment in moments:
        assert command("pipeline", *arguments, die=moment).code == -signal.SIGKILL, moment
        assert done.items() <= stamps(tmp_path).items(), moment
        done = stamps(tmp_path)
    last = command("pipeline", *arguments)
    assert last.code == 0
    assert done.items() <= stamps(tmp_path).items()
    found, undisturbed = (
        {path.replace("/compared-", "/"): sha256 for path, sha256 in results(runs).items()}
        for runs in (tmp_path, finished.runs)
    )
    assert found.items() <= undisturbed.items()
    steps = Counter(path.split("/")[0] for path in found)
    assert steps == {"train": 1, "search": 4, "retrain": 3, "compress": 6}
    assert not [path for path in tmp_path.rglob(".*") if path.name != ".lock"]


@pytest.fixture
def half_searched(finished: Finished, tmp_path: Path) -> Path:
    """Keeps only the candidates of a search; returns the path of their log."""
    runs = copy_steps(finished, tmp_path / "runs", "measure", "train", "search")
    (log,) = runs.glob("search/*/candidates.jsonl")
    for path in log.parent.iterdir():
        if path != log:
            path.unlink()
    return log


def test_a_search_goes_on_after_a_torn_line(finished: Finished, command: Command, half_searched: Path) -> None:
    log = half_searched
    whole = log.read_bytes()
    third_ends = [index for index, byte in enumerate(whole) if byte == ord("\n")][2]
    log.write_bytes(whole[: third_ends + 30])
    done = command("search", *finished.arguments, f"runs={log.parents[2]}")
    assert done.code == 0
    assert "resuming after 3 candidates" in done.out
    assert log.read_bytes() == whole
    assert (log.parent / "winner.json").read_bytes() == (finished.folder("search") / "winner.json").read_bytes()


def test_a_damaged_line_is_named_and_kept(finished: Finished, command: Command, half_searched: Path) -> None:
    log = half_searched
    damaged = log.read_bytes().replace(b"accuracy", b"acCuracy", 2)
    log.write_bytes(damaged)
    done = command("search", *finished.arguments, f"runs={log.parents[2]}")
    assert done.code == 2
    assert f"{log}, line 1 is damaged" in one_line(done.err)
    assert log.read_bytes() == damaged


def trained(finished: Finished) -> dict[str, str]:
    """Returns the hashes of what the training wrote."""
    return {name: value for name, value in results(finished.runs).items() if name.endswith("supernet.safetensors")}


def test_interrupted_training_goes_on_to_the_same_weights(finished: Finished, command: Command, tmp_path: Path) -> None:
    """Tests Ctrl-C; tests/faults kills processes."""
    arguments = (*finished.arguments, "checkpoint_seconds=0", f"runs={tmp_path}")
    stopped = command("train", *arguments, die=(".checkpoint", 8), send=signal.SIGINT)
    assert stopped.code == 2
    assert "interrupted" in one_line(stopped.err)
    assert not list(tmp_path.rglob("*.safetensors"))
    done = command("train", *arguments)
    assert done.code == 0
    assert "training the supernet continues after" in done.out
    assert results(tmp_path) == trained(finished)
    assert not list(tmp_path.rglob(".checkpoint"))


def test_a_damaged_checkpoint_is_named(finished: Finished, command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "train" / finished.folder("train").name
    folder.mkdir(parents=True)
    (folder / ".checkpoint").write_bytes(b"no checkpoint")
    done = command("train", *finished.arguments, f"runs={tmp_path}")
    assert done.code == 2
    assert f"{folder / '.checkpoint'} is damaged; delete it" in one_line(done.err)


def test_a_killed_comparison_ends_as_if_it_was_not(finished: Finished, command: Command, tmp_path: Path) -> None:
    runs = copy_steps(finished, tmp_path / "runs", "measure", "train")
    few = ("compare.seeds=1", "compare.strategies=[evolution,darts]", "strategy=darts", "strategy.options.every=1")
    few += ("search.budget=4",)
    arguments = (*finished.arguments, *few, f"runs={runs}")
    for moment in (("accuracies.jsonl", 4), ("searches.jsonl", 3)):
        assert command("compare", *arguments, die=moment).code == -signal.SIGKILL, moment
    done = command("compare", *arguments)
    assert (done.code, done.err) == (0, "")
    assert "no exact front is known" in done.out
    (killed,) = runs.glob("compare/*/compare.csv")
    again = copy_steps(finished, tmp_path / "again", "measure", "train")
    assert command("compare", *finished.arguments, *few, f"runs={again}").code == 0
    (undisturbed,) = again.glob("compare/*/compare.csv")

    def searched(path: Path) -> list[dict[str, str]]:
        with open(path, newline="") as file:
            return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]

    rows = searched(killed)
    assert [row["strategy"] for row in rows] == ["random"] * 4 + ["evolution"] * 4 + ["darts"] * 4
    assert rows == searched(undisturbed)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_one_line_and_spares_what_is_there(
    finished: Finished, command: Command, small_disk: Path
) -> None:
    copy_steps(finished, small_disk, "measure", "train")
    before = {path: artefacts.sha256(path) for path in small_disk.rglob("*") if path.is_file()}
    for left in (0, 4096, 32768):  # for the event file, for a candidate, for TensorBoard's figure
        ballast = small_disk / "ballast"
        ballast.unlink(missing_ok=True)
        ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - left))
        shutil.rmtree(small_disk / "search", ignore_errors=True)
        full_size = "import importlib; importlib.reload(style)"  # figures are drawn
        done = command("search", *finished.arguments, f"runs={small_disk}", before=full_size)
        assert done.code == 2, done.err
        assert "disk full" in one_line(done.err)
        assert {path: artefacts.sha256(path) for path in before} == before
        assert not [path for path in small_disk.rglob(".*") if path.name != ".lock"]
    ballast.unlink()
    assert command("search", *finished.arguments, f"runs={small_disk}").code == 0
    assert results(small_disk).items() <= results(finished.runs).items()


# Sweeps


def test_a_sweep_of_strategies_and_seeds_shares_table_and_supernet(
    finished: Finished, command: Command, tmp_path: Path
) -> None:
    copy_steps(finished, tmp_path, "measure", "train")
    for choices in (
        ("strategy=random,surrogate", "seed=0,1"),
        ("strategy=darts", "strategy.options.every=1", "seed=0"),
    ):
        arguments = (*finished.arguments, f"runs={tmp_path}", *choices, "search.budget=2")
        done = command("search", "--multirun", *arguments)
        assert (done.code, done.err) == (0, "")
    assert [len(list((tmp_path / step).iterdir())) for step in ("measure", "train", "search")] == [2, 1, 5]
    assert {path.name for path in tmp_path.iterdir()} == {"measure", "train", "search", "sweeps"}
    for folder in (tmp_path / "search").iterdir():
        events = EventAccumulator(str(folder)).Reload()
        with open(folder / "candidates.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        assert {bool(row["discretization_cost"]) for row in rows} == {"-darts-" in folder.name}
        for name, column, factor in (("accuracy",) * 2 + (1,), ("latency_ms", "latency_s", 1e3), ("score",) * 2 + (1,)):
            shown = [event.value for event in events.Scalars(f"candidate/{name}")]
            assert shown == pytest.approx([factor * float(row[column]) for row in rows], rel=1e-6)
        best = [event.value for event in events.Scalars("candidate/best_score")]
        assert best == sorted(best)
        assert "pareto" in events.Tags()["images"]
        hparams = {"_hparams_/experiment", "_hparams_/session_start_info", "_hparams_/session_end_info"}
        assert hparams <= set(events.summary_metadata)
        assert {(row["strategy"], row["seed"]) for row in rows} == {(folder.name.split("-")[2], folder.name[-10])}


def test_a_job_that_fails_does_not_stop_the_others(finished: Finished, command: Command, tmp_path: Path) -> None:
    copy_steps(finished, tmp_path, "measure", "train")
    choices = ("strategy=random", "search.budget=2", "objective.target_ms=0.000001,1000")
    done = command("search", "--multirun", *finished.arguments, f"runs={tmp_path}", *choices)
    assert done.code == 2
    assert "has a latency of 1e-06 ms or less" in done.out
    assert "1 of 2 jobs failed: objective.target_ms=1e-06" in one_line(done.err).replace("0.000001", "1e-06")
    assert len(list(tmp_path.glob("search/*/winner.json"))) == 1


# Tables


def made_up_table(space: SearchSpace, passport: Mapping[str, Any]) -> LatencyTable:
    """Makes the table of a board that takes 1 ps per multiply-accumulate and 1 us for a layer or a file."""
    archs, blocks = networks_to_time(space, 4, 0), block_specs(space)
    specs = all_specs(blocks, [space.decode(arch) for arch in archs])
    names = [(file_name(precision, index), network) for precision in PRECISIONS for index, network in enumerate(specs)]
    seconds = {name: 1e-6 * (1 + len(network)) + 1e-12 * macs(network) for name, network in names}
    one_round = Round(tuple(seconds), tuple(seconds.values()), ((),) * len(seconds), {}, {})
    files = {name: name.encode() for name in seconds}
    return assemble(space, blocks, archs, specs, files, [one_round] * 3, passport, Protocol(min_rounds=3))


@pytest.fixture(scope="session")
def table(finished: Finished) -> LatencyTable:
    return load(finished.table.read_text())


def test_a_table_of_another_runtime_is_used_only_when_told(
    finished: Finished, table: LatencyTable, command: Command, refused: Refused, tmp_path: Path
) -> None:
    other = tmp_path / "table.json"
    other.write_text(dump(dataclasses.replace(table, passport={**table.passport, "onnxruntime": "0.1"})))
    assert "onnxruntime: the table has 0.1" in refused(search, f"table={other}")
    shutil.copytree(finished.runs, tmp_path / "old")
    arguments = (*finished.arguments, f"runs={tmp_path / 'old'}", f"table={other}", "ignore=[onnxruntime]")
    assert "the table may come from another device" in command("compress", *arguments).err
    arguments = (*arguments, "compress.stages=[quantize]")
    done = command("report", *arguments)
    assert done.code == 0, done.err
    assert "The table was not checked against this device for onnxruntime" in done.out
    (new,) = {*(tmp_path / "old" / "report").glob("*/setup.csv")} - {
        tmp_path / "old" / "report" / finished.folder("report").name / "setup.csv"
    }
    assert "ignored,onnxruntime" in new.read_text()
    assert len(list((tmp_path / "old" / "measure").glob("tiny-*"))) == 1


def bad_row(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["rows"][3].update(changes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content.update(schema="lutra/latency-table/0"), "schema is 'lutra/latency-table/0'"),
        (bad_row(seconds=float("nan")), "row 3"),
        (bad_row(seconds=0.0), "row 3"),
        (bad_row(seconds=-1e-6), "row 3"),
        (bad_row(unit=None), "row 3"),
    ],
)
def test_a_bad_table_is_refused(
    change: Callable[[dict[str, Any]], None], said: str, finished: Finished, refused: Refused, tmp_path: Path
) -> None:
    content = json.loads(finished.table.read_text())
    change(content)
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(content))
    line = refused(search, f"table={path}")
    assert str(path) in line
    assert said in line


def test_a_table_of_another_space_is_refused(table: LatencyTable, refused: Refused, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text(dump(made_up_table(tiny(1, 24, 10), table.passport)))
    assert "resolution: the table has 24, this space has 16" in refused(search, f"table={path}")


def test_an_infeasible_target_names_the_fastest_network(table: LatencyTable, refused: Refused, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    made_up = made_up_table(tiny(1, 16, 10), table.passport)
    path.write_text(dump(made_up))
    latency = made_up.predictor(tiny(1, 16, 10), "int8")
    line = refused(search, f"table={path}", "objective.target_ms=0.0001")
    assert f"{artefacts.arch_name(latency.lowest)} has the least, {1e3 * latency(latency.lowest):.4g} ms" in line


# Wrong input


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("sede=1", "no key 'sede'; did you mean 'seed'?"),
        ("train.stpes=1", "did you mean 'train.steps'?"),
        ("+new=1", "no key 'new'"),
        ("strategy=evolutoin", "no strategy 'evolutoin'; did you mean 'evolution'?"),
        ("strategy.name=evolutoin", "no strategy 'evolutoin'; did you mean 'evolution'?"),
        ("strategy.options.populaton=5", "no option of evolution 'populaton'; did you mean 'population'?"),
        ("+strategy.options.populaton=5", "no option of evolution 'populaton'; did you mean 'population'?"),
        ("strategy.options.population=many", "strategy.options.population=many has the wrong type"),
        ("strategy.options.population=0", "strategy.options.population=0 is out of range: give a whole number from 1"),
        ("space=tinny", "no space 'tinny'; did you mean 'tiny'?"),
        ("data=cifar", "no data 'cifar'; did you mean 'cifar10'?"),
        ("device=locl", "no device 'locl'; did you mean 'local'?"),
        ("objective=boundd", "no objective 'boundd'; did you mean 'bounded'?"),
        ("experiment=smok", "no experiment 'smok'; did you mean 'smoke'?"),
        ("precision=int4", "no precision 'int4'; did you mean 'int8'?"),
        ("ignore=[onnx]", "no key to ignore 'onnx'; did you mean 'onnxruntime'?"),
        ("seed=abc", "seed=abc"),
        ("train.steps=1.5", "train.steps=1.5"),
        ("seed=0,1", "--multirun"),
        ("data=image_folder", "data.path"),
        ("data.path=MY/IMAGES", "add data=image_folder"),
        ("compress.prune.keep=2", "compress.prune.keep=2 is out of range: give a number from 0.01 to 1"),
        ("compress.quantize.float_layers=tim", "did you mean 'time'"),
        ("compress.quantize={kind: fp16, float_layers: both}", "apply to static INT8, not to fp16"),
        ("hand_made.saved=[2]", "hand_made.saved=2 is out of range: give a list in brackets"),
        ("compress.stages=[prun]", "did you mean 'prune'"),
        ("compress.stages=[quantize,finetune]", "quantize writes the deployed file"),
        ("model=resnet50", "There are: winner, mobilenet_v2"),
        ("compress.prune.saved=2", "from 0 to 1"),
        ("model=resnet8", "add compress.prune.rule=depgraph"),
        ("compress.stages=[cluster,finetune]", "put cluster last"),
        ("search.budget=0", "search.budget=0 is out of range: give a whole number from 1 to 1,000,000"),
        ("search.validation=-1", "search.validation=-1 is out of range"),
        ("data.validation=2", "data.validation"),
        ("table=nowhere.json", "no table at nowhere.json"),
        ("runs=/dev/null/runs", "/dev/null/runs"),
        ("runs=", "runs is empty"),
    ],
)
def test_a_mistake_is_one_line_that_helps(argument: str, said: str, refused: Refused) -> None:
    assert said in refused(search, argument)


def test_a_run_that_is_none_is_refused(tmp_path: Path, refused: Refused) -> None:
    said = refused(compress, f"run={tmp_path}")
    assert all(word in said for word in (str(tmp_path), "winner.json", "run="))


def test_a_mistake_on_the_real_command_line(command: Command, tmp_path: Path) -> None:
    done = command("pipeline", f"runs={tmp_path}", "strategy=darst")
    assert (done.code, done.out) == (2, "")
    assert "did you mean 'darts'?" in one_line(done.err)


def test_a_changed_file_is_never_used(finished: Finished, refused: Refused, tmp_path: Path) -> None:
    runs = copy_steps(finished, tmp_path / "damaged", "train")
    (path,) = runs.glob("train/*/supernet.safetensors")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert f"{path} was changed since it was made; delete {path.parent}" in refused(
        train, *finished.arguments, f"runs={runs}"
    )


# Your own images


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Twelve pictures of each of three classes, which differ in colour."""
    rng = np.random.default_rng(0)
    for channel, name in enumerate(("red", "green", "blue")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for index in range(12):
            pixels = rng.integers(0, 128, (20, 24, 3), dtype=np.uint8)
            pixels[..., channel] += 100
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{index}.png")
    return tmp_path / "images"


def test_ones_own_images_are_searched_on(
    images: Path, table: LatencyTable, finished: Finished, command: Command, tmp_path: Path
) -> None:
    space = tiny(3, 16, 3)
    path = tmp_path / "table.json"
    path.write_text(dump(made_up_table(space, table.passport)))
    own = ("data=image_folder", f"data.path={images}", "data.size=16", f"table={path}")
    done = command("search", *finished.arguments, f"runs={tmp_path / 'runs'}", *own)
    assert (done.code, done.err) == (0, "")
    (winner,) = (tmp_path / "runs").glob("search/tiny-images-evolution-*/winner.json")  # as the folder is called
    space.check(tuple(json.loads(winner.read_text())["arch"]))


def test_bad_image_folders_are_named(images: Path, command: Command, refused: Refused, tmp_path: Path) -> None:
    own = ("data=image_folder", "data.size=16")
    (tmp_path / "empty").mkdir()
    assert "has no images" in refused(search, *own, f"data.path={tmp_path / 'empty'}")
    shutil.copytree(images / "red", tmp_path / "one" / "red")
    assert "two class folders" in refused(search, *own, f"data.path={tmp_path / 'one'}")
    (images / "green" / "3.png").write_bytes((images / "green" / "3.png").read_bytes()[:60])
    done = command("train", "experiment=smoke", *own, f"data.path={images}", f"runs={tmp_path / 'broken'}")
    assert done.code == 2
    assert "green/3.png cannot be read as an image" in one_line(done.err)
    left = [path for path in (tmp_path / "broken").rglob("*") if path.is_file() and path.name != ".lock"]
    assert not [path for path in left if path.parent != tmp_path / "broken" / "data"]  # the cached hashes


# Configuration


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Config]:
    """Returns the checked configuration that a command gets for its arguments."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")

    def compose(*arguments: str) -> Config:
        got: list[Config] = []
        monkeypatch.setattr(sys, "argv", ["command", f"runs={tmp_path}", *arguments])
        command_line.run(got.append)
        return got[0]

    return compose


def choices_of(group: str) -> list[str]:
    return sorted(path.stem for path in (ROOT / "hydra_conf" / group).glob("*.yaml")) or sorted(GROUPS[group])


FOLDERS = [folder.name for folder in (ROOT / "hydra_conf").iterdir() if [*folder.glob("*.yaml")]]
ALL = [(group, name) for group in sorted({*FOLDERS, *GROUPS}) for name in choices_of(group)]


@pytest.mark.parametrize(("group", "choice"), ALL)
def test_every_configuration_file_is_valid(group: str, choice: str, configured: Callable[..., Config]) -> None:
    needed = {
        "image_folder": ["data.path=somewhere"],
        "ssh": ["device.host=board"],
        "cifar10_gpu": ["accelerator=auto"],  # this machine may have no GPU
    }.get(choice, [])
    config = configured(f"{group}={choice}", *needed)
    if group in GROUPS:
        assert getattr(config, group).name in GROUPS[group]
    if group == "strategy":
        parameters = list(inspect.signature(STRATEGIES[choice].function).parameters.values())[2:]
        assert config.strategy.options == {parameter.name: parameter.default for parameter in parameters}


@pytest.mark.parametrize("group", sorted({*GROUPS} & {*FOLDERS}))
def test_every_name_has_a_configuration_file(group: str) -> None:
    files = [(ROOT / "hydra_conf" / group / f"{name}.yaml").read_text().splitlines() for name in choices_of(group)]
    named = {line.removeprefix("name: ") for lines in files for line in lines if line.startswith("name: ")}
    assert named == set(GROUPS[group])


def test_the_schema_alone_is_the_default_command(configured: Callable[..., Config], tmp_path: Path) -> None:
    config = configured()
    assert space_of(config).name == "tiny"
    defaults = dataclasses.replace(Config(), runs=str(tmp_path), strategy=config.strategy, sweep=config.sweep)
    assert config == defaults
