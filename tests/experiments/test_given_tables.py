"""Tests latency tables that a user gives: of another runtime, damaged, of another space, or too slow for the target."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments.steps.plan import search
from experiments.store import artefacts
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import dump
from search_spaces.spaces.tiny import tiny
from tests.commands import Command, Finished
from tests.experiments.made_up_table import made_up_table
from tests.experiments.outcomes import Refused


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
    least = f"{1e3 * latency(latency.lowest):.4g} ms, that of {artefacts.arch_name(latency.lowest)}"
    assert f"the least is {least}" in line
