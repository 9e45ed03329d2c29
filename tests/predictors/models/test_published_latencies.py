"""Tests the reading of files with the latencies of whole networks, and the command that learns from them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from experiments.comparison.learning_curves import median, read_points
from experiments.comparison.published_latencies import Measurements, read_measurements
from experiments.config import FidelityConfig
from experiments.studies.fidelity import fidelity
from paper.rows import Judged
from predictors.models.learned import LEARNERS
from search_spaces.errors import LutraError
from tests.commands import Here
from tests.predictors.models.additive_costs import published


def write(path: Path, rows: list[tuple[object, object]], header: tuple[str, str] = ("ops", "rpi4_ms")) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def rows_of(measurements: Measurements) -> list[tuple[object, object]]:
    return [("".join(map(str, arch)), 1e3 * s) for arch, s in zip(measurements.archs, measurements.seconds)]


def test_a_file_is_read_by_known_columns_or_given_ones(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [("012", 1.5), ("310", 3)])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())  # as spreadsheets begin their files
    known = read_measurements(path, FidelityConfig())
    assert known.archs.tolist() == [[0, 1, 2], [3, 1, 0]]
    assert known.seconds.tolist() == pytest.approx([1.5e-3, 3e-3])
    assert known.options == (4, 2, 3)
    other = write(tmp_path / "b.csv", [("0-11-2", 7)], ("arch", "time"))
    given = read_measurements(other, FidelityConfig(options="arch", latency="time", unit="us"))
    assert (given.archs.tolist(), given.seconds.tolist()) == ([[0, 11, 2]], pytest.approx([7e-6]))


BAD = {
    "not one of the known files": ([("01", 1)], ("ops", "latency"), {}),
    "did you mean 'rpi4_ms'": ([("01", 1)], ("ops", "rpi4_ms"), {"options": "ops", "latency": "rpi4ms"}),
    "add fidelity.latency=": ([("01", 1)], ("ops", "rpi4_ms"), {"options": "ops"}),
    "unit": ([("01", 1)], ("ops", "rpi4_ms"), {"unit": "min"}),
    "line 3: rpi4_ms must be a positive number, not 'nan'": ([("01", 1), ("02", "nan")], ("ops", "rpi4_ms"), {}),
    "not ''": ([("01", "")], ("ops", "rpi4_ms"), {}),
    "line 2: rpi4_ms .* not '-1'": ([("01", -1)], ("ops", "rpi4_ms"), {}),
    "line 3: ops must be 2 layers": ([("01", 1), ("021", 1)], ("ops", "rpi4_ms"), {}),
    "one number per layer": ([("0x", 1)], ("ops", "rpi4_ms"), {}),
    "one number per layer, not '0-12345'": ([("0-12345", 1)], ("ops", "rpi4_ms"), {}),
    "line 3: ops '01' appears twice": ([("01", 1), ("01", 2)], ("ops", "rpi4_ms"), {}),
    "no row below its header": ([], ("ops", "rpi4_ms"), {}),
}


@pytest.mark.parametrize("told", BAD)
def test_a_bad_file_gets_one_line(tmp_path: Path, told: str) -> None:
    rows, header, config = BAD[told]
    path = write(tmp_path / "bad.csv", list(rows), header)
    with pytest.raises(LutraError, match=told) as error:
        read_measurements(path, FidelityConfig(**config))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00\x81", b""])
def test_a_file_that_is_no_table_gets_one_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.csv").write_bytes(data)
    for path in (tmp_path / "bad.csv", tmp_path / "absent.csv", tmp_path):
        with pytest.raises(LutraError) as error:
            read_measurements(path, FidelityConfig())
        assert "\n" not in str(error.value)


def test_the_command_learns_from_a_file(here: Here, tmp_path: Path) -> None:
    path = write(tmp_path / "board.csv", rows_of(published()))
    done = here(fidelity, f"csv={path}", f"runs={tmp_path}", "fidelity.seeds=2", "fidelity.train=[20,60]")
    assert done.code == 0, done.err
    (result,) = tmp_path.glob("fidelity/board-*/fidelity.csv")
    found = read_points(result)
    assert len(found) == 2 * 2 * len(LEARNERS)
    groups: dict[str, list[Judged]] = {}
    for one in found:
        if one.trained_on == 60:
            groups.setdefault(one.predictor, []).append(one)
    assert median(groups["additive"], "mape") < 1e-6 < median(groups["forest"], "mape")
    assert all(name in done.out for name in LEARNERS)
    refused = here(fidelity, f"csv={path}", f"runs={tmp_path}")
    assert refused.code == 2
    assert refused.err == (
        f"error: {path} has 90 networks: predictors cannot learn from 100 of them, because they learn from at "
        "least 3, and are judged by 20 others; try fidelity.train=[50]\n"
    )
