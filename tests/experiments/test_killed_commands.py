"""Tests commands that are killed or interrupted, damaged logs, and full disks: what is finished stays as it is."""

from __future__ import annotations

import csv
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.store import artefacts
from tests.commands import DRAWN, Command, Finished, copy_steps
from tests.experiments.outcomes import one_line, results, stamps, trained


def test_a_pipeline_killed_at_every_step_ends_as_if_it_was_not(
    finished: Finished, command: Command, tmp_path: Path
) -> None:
    """The table is copied, because tests/faults kills its measuring. The hash seed is another."""
    arguments = (*finished.arguments, f"runs={tmp_path}", "compress.stages=[finetune,quantize]")
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
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_one_line_and_spares_what_is_there(
    finished: Finished, command: Command, small_disk: Path
) -> None:
    copy_steps(finished, small_disk, "measure", "train")
    before = {path: artefacts.sha256(path) for path in small_disk.rglob("*") if path.is_file()}
    for left in (0, 8192, 32768):  # for the event file, for a candidate, for TensorBoard's figure
        ballast = small_disk / "ballast"
        ballast.unlink(missing_ok=True)
        ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - left))
        shutil.rmtree(small_disk / "search", ignore_errors=True)
        done = command("search", *finished.arguments, f"runs={small_disk}", before=DRAWN)
        assert done.code == 2, done.err
        assert "disk full" in one_line(done.err)
        assert {path: artefacts.sha256(path) for path in before} == before
        assert {path.name for path in small_disk.rglob(".*")} <= {".lock", ".seconds"}
    ballast.unlink()
    assert command("search", *finished.arguments, f"runs={small_disk}").code == 0
    assert results(small_disk).items() <= results(finished.runs).items()
