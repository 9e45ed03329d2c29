"""Tests the comparison of two tables, and the commands that list, compare, verify and measure tables."""

from __future__ import annotations

import dataclasses
import time
from functools import cache
from pathlib import Path

import pytest

from experiments.config import Config, DeviceConfig, MeasureConfig, TablesConfig
from experiments.display import events
from experiments.steps import measure as measuring
from experiments.steps.measure import timing_files
from experiments.steps.plan import measure as measure_command
from experiments.tables import tables
from predictors.board.simulated import Disturbance, SimulatedBoard
from predictors.tables.assembly import assemble, file_name
from predictors.tables.comparison import compare
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import dump, load
from predictors.timing.blocks import all_specs, block_specs, networks_to_time
from predictors.timing.rounds import Protocol, measure
from predictors.timing.values import Value
from search_spaces.errors import LutraError
from search_spaces.layers import Spec
from search_spaces.space import SearchSpace
from search_spaces.spaces.tiny import tiny
from tests.commands import Here
from tests.predictors.tables.simulated_table import (
    PASSPORT,
    QUIET,
    SPACE,
    simulated_table,
    swapped,
    text_of_table,
    true_seconds,
)


def test_two_tables_of_one_space_are_compared_row_by_row(table: LatencyTable) -> None:
    """One layer takes twice as long on the other board as the common speed explains."""
    key = ("int8", block_specs(SPACE)[4])
    slow = {kind: Value(*(1.5 * number for number in dataclasses.astuple(value))) for kind, value in table.rows.items()}
    slow[key] = Value(*(3 * number for number in dataclasses.astuple(table.rows[key])))
    fp32, int8 = compare(table, dataclasses.replace(table, rows=slow))
    assert (fp32.precision, fp32.ratio, fp32.tau) == ("fp32", pytest.approx(1.5), pytest.approx(1))
    assert int8.moved[0].spec == key[1]
    assert int8.moved[0].beyond == pytest.approx(2)
    assert [row.beyond for row in int8.moved[1:]] == pytest.approx([1] * (len(int8.moved) - 1))
    with pytest.raises(LutraError, match="two spaces"):
        compare(table, dataclasses.replace(table, layers=swapped().layers))


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (tiny(1, 16, 12), "classes: 10 in a, 12 in b"),
        (tiny(3, 16, 10), "channels: 1 in a, 3 in b"),
        (tiny(1, 32, 10), "resolution: 16 in a, 32 in b"),
        (tiny(3, 32, 12), "channels: 1 in a, 3 in b; resolution: 16 in a, 32 in b; classes: 10 in a, 12 in b"),
    ],
    ids=["classes", "channels", "resolution", "all"],
)
def test_tables_that_cannot_be_compared_say_what_differs(table: LatencyTable, other: SearchSpace, words: str) -> None:
    with pytest.raises(LutraError) as refused:
        compare(table, dataclasses.replace(table, layers=other.layers))
    assert f"differ in their {words}. " in str(refused.value)
    assert "\n" not in str(refused.value)


def folder_of_tables(folder: Path) -> list[Path]:
    """Writes the tables of two boards where `measure` puts them."""
    paths = [folder / "measure" / name / "table.json" for name in ("first", "second")]
    for path, content in zip(paths, (text_of_table(), dump(simulated_table(Disturbance(drift="ramp"), seed=1)))):
        path.parent.mkdir(parents=True)
        path.write_text(content)
    return paths


def test_tables_are_listed_and_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = map(str, folder_of_tables(tmp_path))
    tables(Config(runs=str(tmp_path)))
    listed = capsys.readouterr().out
    assert all(word in listed for word in ("tiny", "Raspberry", "clean", "first", "second", "fp32", "int8"))
    tables(Config(tables=TablesConfig("compare", a, b)))
    compared = capsys.readouterr().out
    assert compared.count("the layers that changed most") == 2
    assert "onnxruntime" not in compared
    with pytest.raises(LutraError, match=r"add tables\.b=PATH"):
        tables(Config(tables=TablesConfig("compare", a)))
    with pytest.raises(LutraError, match="there is no table in"):
        tables(Config(runs=str(tmp_path / "empty")))


def test_verify_finds_one_changed_byte(here: Here, tmp_path: Path) -> None:
    paths = folder_of_tables(tmp_path)
    asked = (tables, "tables.action=verify", f"runs={tmp_path}")
    assert here(*asked).out.count("its hash is valid") == 2
    damaged = bytearray(paths[1].read_bytes())
    damaged[len(damaged) // 2] ^= 1
    paths[1].write_bytes(damaged)
    refused = here(*asked)
    assert refused.code == 2
    assert refused.err.startswith(f"error: {paths[1]}: the table")
    assert refused.err.count("\n") == 1


@pytest.mark.parametrize("scenario", ["quiet", "cut"])
def test_a_recorded_table_is_measured_again_in_no_time(
    tmp_path: Path, scenario: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command writes the same files as the table's, so the simulated board finds their latencies."""
    if scenario == "cut":  # writing them once more takes longer than measuring them
        monkeypatch.setattr(measuring, "timing_files", lambda specs, runtime: written_files(tuple(specs)).items())
    recorded = tmp_path / "recorded.json"
    archs, blocks = networks_to_time(SPACE, 5, 0), block_specs(SPACE)
    specs = all_specs(blocks, [SPACE.decode(arch) for arch in archs])
    files = written_files(tuple(specs))
    seconds = {files[file_name(p, i)]: true_seconds(s, p) for p in ("fp32", "int8") for i, s in enumerate(specs)}
    board = SimulatedBoard(seconds.__getitem__, QUIET, 3, PASSPORT)
    rounds = list(measure(board, files, Protocol()))
    then = assemble(SPACE, blocks, archs, specs, files, rounds, board.passport, Protocol())
    recorded.write_text(dump(then))
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(events, "show_figure", lambda *arguments: None)
    device = DeviceConfig("simulated", table=str(recorded), scenario=scenario)
    path = measure_command(Config(runs=str(tmp_path), device=device, measure=MeasureConfig(networks=5)))
    told = capsys.readouterr().out
    assert "clean: all 46 rows are known within 2 %" in told
    assert ("connection broke" in told) == (scenario == "cut")
    for comparison in compare(then, load(path.read_text())):
        assert comparison.ratio == pytest.approx(1, rel=0.02)
        assert comparison.tau > 0.9


@cache
def written_files(specs: tuple[tuple[Spec, ...], ...]) -> dict[str, bytes]:
    return dict(timing_files(specs, "onnxruntime"))
