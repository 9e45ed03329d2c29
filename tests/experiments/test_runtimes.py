"""Tests that a table, a search and a compression belong to one runtime, which is one more setting of their keys."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from compress.runtimes import runtime_of_file
from experiments.config import choices
from experiments.stages.int8_record import load
from experiments.steps.compress import compress
from experiments.steps.plan import search, train
from experiments.studies.hand_made import hand_made
from paper.build import OPTIONAL
from paper.profile_rows import Moment, Operator
from paper.rows import read
from predictors.board.measured_part import measured_part
from predictors.tables.table_file import read_table
from tests.commands import Command, Finished, Here
from tests.networks import smallest_space


def test_litert_is_measured_searched_and_deployed(
    finished: Finished, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(choices.SPACES, "tiny", smallest_space)
    # twice the reference's latency: of so few networks, noise may predict all above a target near to it
    arguments = (*finished.arguments, "objective.target_fraction=2", f"runs={tmp_path}")
    assert here(train, *arguments).code == 0
    done = here(compress, *arguments, "runtime=litert", "compress.stages=[quantize]")
    assert (done.code, done.err) == (0, "")
    deployed = Path(done.out.splitlines()[-1]) / "int8.tflite"
    assert runtime_of_file(deployed.read_bytes()).SUFFIX == ".tflite"
    answers = load(deployed.parent)
    assert {*answers.others} == {"onnxruntime"}
    assert 0 <= answers.others["onnxruntime"] < 0.2
    assert answers.floats == []
    (table,) = tmp_path.glob("measure/*/table.json")
    assert "onnxruntime" not in (passport := read_table(table).passport)
    assert passport["litert"]
    assert len([*tmp_path.glob("train/*")]) == 1  # networks are trained for both runtimes alike
    refused = here(search, *arguments, f"table={table}")
    assert (refused.code, refused.out) == (2, "")
    assert "runtime=litert" in refused.err
    assert refused.err.count("\n") == 1


def test_a_hand_made_network_that_a_runtime_cannot_have_is_refused_before_anything_is_trained(
    here: Here, tmp_path: Path
) -> None:
    done = here(hand_made, "runtime=litert", "hand_made.models=[vit,shufflenet_v2]", f"runs={tmp_path}")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "add runtime=onnxruntime" in done.err
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("setting", ["compress.quantize.reduce_range=true", "model=resnet8", "device.library=tflite"])
def test_what_a_runtime_cannot_have_is_refused_in_one_line(setting: str, here: Here, tmp_path: Path) -> None:
    done = here(compress, "runtime=litert", setting, f"runs={tmp_path}")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "runtime" in done.err
    assert [*tmp_path.iterdir()] == []


def test_the_runtime_of_a_file_is_not_read_from_its_name(finished: Finished) -> None:
    deployed = finished.folder("report") / "int8.onnx"
    assert runtime_of_file(deployed.read_bytes()).SUFFIX == ".onnx"
    assert measured_part(deployed.read_bytes()) == (finished.folder("compress") / "int8.onnx").read_bytes()


def test_a_profile_says_where_the_time_goes(finished: Finished, command: Command, tmp_path: Path) -> None:
    shutil.copytree(finished.runs, tmp_path / "runs")
    arguments = (*finished.arguments, f"runs={tmp_path / 'runs'}", "profile.seconds=0.05", "profile.minutes=0.02")
    done = command("profile", *arguments)
    assert done.code == 0, done.err
    folder = Path(done.out.splitlines()[-1])
    rows = read(folder, Operator)
    assert list(dict.fromkeys(row.precision for row in rows)) == ["fp32", "int8"]
    assert "int8: the operators take" in done.out
    assert [moment.latency_s > 0 for moment in read(folder, Moment)] == [True]
    for name in ("profile", "steady"):
        OPTIONAL[name][1](folder).savefig(tmp_path / f"{name}.png")
    again = command("profile", *arguments)
    assert done.out.endswith(again.out)
