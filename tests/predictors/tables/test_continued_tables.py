"""Tests tables that are measured on: earlier rounds are kept."""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from experiments.config import Config, DeviceConfig, MeasureConfig
from experiments.steps.measure import timing_files
from experiments.steps.plan import measure as measure_command
from predictors.board.simulated import Disturbance, SimulatedBoard
from predictors.tables.assembly import assemble
from predictors.tables.table_file import dump, read_table
from predictors.timing.rounds import Protocol, measure
from search_spaces.errors import LutraError
from tests.predictors.tables.measured_rows import ARCHS, BLOCKS, FILES, ROWS, SPECS, seconds_of
from tests.predictors.tables.simulated_table import PASSPORT, SPACE


@cache
def written() -> dict[str, bytes]:
    return dict(timing_files(SPECS, "onnxruntime"))


def recorded(folder: Path) -> Path:
    """Writes a table that a simulated board can be made from."""
    onnx = written()
    seconds = {onnx[name]: seconds_of(FILES[name]) for name in FILES}
    own = SimulatedBoard(seconds.__getitem__, Disturbance(), 3, PASSPORT)
    rounds = list(measure(own, onnx, Protocol(), rows=ROWS))
    path = folder / "recorded.json"
    path.write_text(dump(assemble(SPACE, BLOCKS, ARCHS, SPECS, onnx, rounds, own.passport, Protocol())))
    return path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs the command without writing the files again, and without its figures."""
    monkeypatch.setattr("experiments.steps.measure.timing_files", lambda networks, runtime: written().items())
    monkeypatch.setattr("experiments.display.events.show_figure", lambda *arguments: None)


@pytest.mark.usefixtures("quick")
def test_a_noisy_table_is_measured_on_and_never_begun_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same command does nothing more; with more rounds allowed, it keeps the earlier rounds."""
    device = DeviceConfig("simulated", table=str(recorded(tmp_path)), scenario="quiet")
    strict = MeasureConfig(networks=5, min_rounds=3, max_rounds=4, within=0.003)
    config = Config(runs=str(tmp_path), device=device, measure=strict)
    path = measure_command(config)
    first, bytes_of_first = read_table(path), path.read_bytes()
    assert first.verdict.state == "noisy"
    assert len(first.rounds) == 4
    assert measure_command(config) == path
    assert path.read_bytes() == bytes_of_first
    more = replace(config, measure=replace(strict, max_rounds=7))
    assert measure_command(more) == path
    second = read_table(path)
    assert len(second.rounds) == 7
    assert second.rounds[:4] == first.rounds
    assert (path.parent / "table-4-rounds.json").read_bytes() == bytes_of_first
    assert "resuming after 4 rounds" in capsys.readouterr().out
    assert measure_command(config) == path  # fewer rounds are allowed than there are: no change
    assert read_table(path) == second
    with (path.parent / "table.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    assert float(row["low_s"]) < float(row["seconds"]) < float(row["high_s"])


@pytest.mark.usefixtures("quick")
def test_an_interrupted_continuation_goes_on_from_all_rounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = DeviceConfig("simulated", table=str(recorded(tmp_path)), scenario="quiet")
    strict = MeasureConfig(networks=5, min_rounds=3, max_rounds=4, within=0.003)
    config = Config(runs=str(tmp_path), device=device, measure=strict)
    path = measure_command(config)
    more = replace(config, measure=replace(strict, max_rounds=9))
    rounds, own = [], SimulatedBoard.round

    def interrupted(*arguments: object, **named: object) -> dict:
        if len(rounds) == 2:
            raise KeyboardInterrupt
        rounds.append(own(*arguments, **named))  # type: ignore[arg-type]
        return rounds[-1]

    monkeypatch.setattr(SimulatedBoard, "round", interrupted)
    with pytest.raises(KeyboardInterrupt):
        measure_command(more)
    monkeypatch.setattr(SimulatedBoard, "round", own)
    assert measure_command(config) == path
    assert len(read_table(path).rounds) == 6
    measure_command(more)
    assert len(read_table(path).rounds) == 9


def test_a_protocol_whose_cap_is_below_its_least_rounds_is_refused() -> None:
    with pytest.raises(LutraError, match=r"measure\.min_rounds=9 is above measure\.max_rounds=5"):
        Protocol(max_rounds=5).check()
    Protocol(min_rounds=5, max_rounds=5).check()
