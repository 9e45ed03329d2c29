"""Tests the command that computes exact fronts, of files and of spaces."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from experiments.comparison.option_effects import Fit, read_candidates, read_effects
from experiments.config import DeviceConfig, command
from experiments.setup.devices import passport_of
from experiments.store import artefacts
from experiments.studies.exact import exact, fit_text, front_text, read_front
from experiments.sweep.job_metrics import metrics
from predictors.board.fingerprint import PRECISIONS
from predictors.board.simulated import Disturbance, SimulatedBoard
from predictors.tables.assembly import assemble, file_name
from predictors.tables.table_file import dump, read_table
from predictors.timing.blocks import all_specs, block_specs, networks_to_time
from predictors.timing.rounds import Protocol, measure
from search_spaces.costs import macs
from search_spaces.errors import LutraError
from search_spaces.space import SearchSpace
from search_spaces.spaces.tiny import tiny
from strategies.quality.exact import exact_front

Exact = Callable[..., tuple[Path, str]]


@pytest.fixture
def exact_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Exact:
    """Runs the command in this process; returns its folder and output, or its one line of an error."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")

    def run(*arguments: str) -> tuple[Path, str]:
        monkeypatch.setattr(sys, "argv", ["exact", f"runs={tmp_path / 'runs'}", *arguments])
        try:
            command.run(exact)
        except SystemExit:
            out, err = capsys.readouterr()
            assert (out, err.count("\n")) == ("", 1)
            return tmp_path, err
        out, err = capsys.readouterr()
        assert err == ""
        return Path(out.splitlines()[-1]), out

    return run


def test_the_front_of_a_file_and_its_best_within_a_budget(tmp_path: Path, exact_command: Exact) -> None:
    path = tmp_path / "few.csv"
    path.write_text("\ufeffops,accuracy_percent,rpi4_ms\n3-12,50,1.5\n3-1,75,2.5\n5-1,70,3\n5-12,90,4\n")
    folder, out = exact_command(f"exact.csv={path}", "exact.budget_ms=3")
    found = [(point.arch, point.accuracy) for point in read_front(folder / "front.csv")]
    assert found == [("3-12", 0.5), ("3-1", 0.75), ("5-12", 0.9)]
    assert "best within 3 ms: 3-1, 75.00% at 2.5 ms" in out
    assert exact_command(f"exact.csv={path}")[0] == folder
    _, err = exact_command(f"exact.csv={path}", "exact.budget_ms=1")
    assert "no network in the file is within 1 ms: the fastest is 3-12, 50.00% at 1.5 ms" in err


SPACE = tiny(1, 16, 10)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Measures the tiny space's latency table on a simulated board with this machine's passport."""
    archs, blocks = networks_to_time(SPACE, 5, 0), block_specs(SPACE)
    specs = all_specs(blocks, [SPACE.decode(arch) for arch in archs])
    named = {file_name(precision, i): s for precision in PRECISIONS for i, s in enumerate(specs)}
    board = SimulatedBoard(
        lambda onnx: sum(1e-6 + 1e-11 * macs((spec,)) for spec in named[onnx.decode()]), Disturbance(), 0, {}
    )
    rounds = list(measure(board, {name: name.encode() for name in named}, Protocol()))
    made = assemble(SPACE, blocks, archs, specs, {n: n.encode() for n in named}, rounds, board.passport, Protocol())
    path = tmp_path_factory.mktemp("table") / "table.json"
    path.write_text(dump(replace(made, passport={**made.passport, **passport_of(DeviceConfig())})))
    return path


def write_candidates(path: Path, effects: np.ndarray, count: int) -> None:
    rng = Random(0)
    archs = [SPACE.sample(rng) for _ in range(count)]
    rows = [{"arch": artefacts.arch_name(a), "accuracy": sum(map(np.take, effects, a))} for a in archs]
    artefacts.write_csv(path, [*rows, rows[0]])  # two searches may find the same network


def test_a_front_that_is_sorted_by_size_has_its_fastest_and_its_most_accurate_network_anywhere(tmp_path: Path) -> None:
    rows = [("a", 0.5, 3e-3, 1), ("b", 0.9, 1e-3, 2), ("c", 0.6, 2e-3, 3)]
    text = "\n".join(
        ["arch,accuracy,accuracy_at_most,latency_s,size_bytes", *(f"{n},{p},{p},{s},{b}" for n, p, s, b in rows)]
    )
    (tmp_path / "front.csv").write_text(text + "\n")
    told = front_text(read_front(tmp_path / "front.csv"))
    assert "fastest: b, 90.00%" in told
    assert "most accurate: b, 90.00%" in told
    assert metrics(tmp_path) == {"accuracy": 0.9, "latency_s": 1e-3}


@pytest.mark.parametrize(("tau", "useless"), [(-1.0, True), (0.0, True), (0.29, True), (0.3, False), (1.0, False)])
def test_an_answer_of_a_surrogate_that_ranks_nothing_says_so(tau: float, useless: bool) -> None:
    assert ("means nothing" in fit_text(Fit(100, 0, tau, 0.01))) == useless


def test_the_front_of_a_space_follows_from_a_searchs_candidates(
    tmp_path: Path, table: Path, exact_command: Exact
) -> None:
    effects = np.random.default_rng(0).uniform(0, 0.15, (len(SPACE.layers), max(SPACE.options)))
    write_candidates(tmp_path / "candidates.csv", effects, 400)
    folder, out = exact_command(f"exact.candidates={tmp_path / 'candidates.csv'}", f"table={table}")
    assert "Kendall's tau 1.00 on held-out ones, 0.00 points off" in out
    latency = read_table(table).predictor(SPACE, "int8")
    effects[np.isnan(latency.values)] = np.nan
    expected, found = exact_front(effects, {"latency": latency}, stacks=SPACE.stacks), read_front(folder / "front.csv")
    assert [p.arch for p in found] == [artefacts.arch_name(arch) for arch in expected.archs.tolist()]
    assert [p.accuracy for p in found] == pytest.approx(expected.scores.tolist(), abs=1e-4)

    budget = 1e3 * found[2].costs["latency"]
    again, out = exact_command(f"exact.effects={folder / 'effects.csv'}", f"table={table}", f"exact.budget_ms={budget}")
    assert (again / "front.csv").read_bytes() == (folder / "front.csv").read_bytes()
    assert f"ms: {found[2].arch}, " in out
    few, out = exact_command(f"exact.effects={folder / 'effects.csv'}", f"table={table}", "exact.points=4")
    assert len(read_front(few / "front.csv")) <= 4
    assert "thinned: no network as fast is more than " in out


@pytest.mark.parametrize(
    ("read", "text", "told"),
    [
        (read_effects, "layer,option,accuracy\n0,0,0.1\n0,0,0.2\n", "line 3: layer 0, option 0 is repeated"),
        (read_effects, "layer,option,accuracy\n0,7,0.1\n", "line 2: tiny has no option 7 in layer 0"),
        (read_effects, "layer,option,accuracy\n0.5,0,0.1\n", "line 2: tiny has no option 0 in layer 0.5"),
        (read_effects, "layer,option,accuracy\n0,0,nan\n", "line 2: accuracy must be a number, not 'nan'"),
        (read_effects, "layer,option,accuracy\n0,0,0.1\n", "has no row for layer 1, option 0 of tiny"),
        (read_effects, "layer,option,gain\n", "there is no column"),
        (read_candidates, "arch,accuracy\n0-0,0.5\n", "line 2: tiny has 7 layers"),
        (read_candidates, "arch,accuracy\n0-x,0.5\n", "line 2: arch must be one number per layer, not '0-x'"),
        (
            read_candidates,
            "arch,accuracy\n0-0-0-0-0-0-0,0.5\n",
            "has 1 distinct candidates, but fitting effects needs at least 10",
        ),
    ],
)
def test_a_wrong_file_is_one_line(
    tmp_path: Path, read: Callable[[Path, SearchSpace], object], text: str, told: str
) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text(text)
    with pytest.raises(LutraError, match=r"wrong\.csv") as error:
        read(path, SPACE)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_what_was_left_out_is_told(exact_command: Exact) -> None:
    assert "exact needs one file, not 0" in exact_command()[1]
    assert "exact.points=1 is out of range: give a whole number from 2" in exact_command("exact.points=1")[1]
