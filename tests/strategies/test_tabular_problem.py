"""Tests the reading of tables of published networks."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_spaces.errors import LutraError
from strategies.problems.tabular_problem import read_csv


def test_digits_become_picks_and_units_become_seconds_and_fractions(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("net,top1,us\n30,0.5,1500\n31,0.75,2500\n50,0.25,500\n")
    table = read_csv(path, "net", "top1", "us", accuracy_unit=1, latency_unit=1e-6)
    assert table.space.layers == ((3, 5), (0, 1))
    assert table.accuracy == {(0, 0): 0.5, (0, 1): 0.75, (1, 0): 0.25}
    assert table.latency == pytest.approx({(0, 0): 1.5e-3, (0, 1): 2.5e-3, (1, 0): 5e-4})
    assert not table.space.valid((1, 1))
    assert table.space.reference == (0, 1)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["00,90,1", "00,91,2"], "line 3: ops '00' appears twice"),
        (["00,90,1", "01,nan,2"], "line 3: percent must be a positive number, not 'nan'"),
        (["00,90,-1"], "line 2: ms must be a positive number, not '-1'"),
        (["00,90,0"], "line 2: ms must be"),
        (["00,,1"], "line 2: percent must be a positive number, not ''"),
        (["00,90"], "line 2 has 2 cells, the header 3; fix or remove the row"),
        (["00,9000,1"], "line 2: percent 9000 times the unit 0.01 is above 1"),
        (["00,90,1", "010,90,1"], "line 3: ops must be 2 layers"),
        (["0x,90,1"], "line 2: ops must be one number per layer"),
        (["00,90,1"], "1 networks"),
        (
            ["0000000,90,1", *(f"{10**6 * k + k}".zfill(7)[:1] + f"{k}" * 6 + ",90,1" for k in range(1, 9))],
            "but a search needs 0.1% of them",
        ),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, rows: list[str], says: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("\n".join(["ops,percent,ms", *rows]))
    with pytest.raises(LutraError, match=r"bad\.csv") as caught:
        read_csv(path, "ops", "percent", "ms")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_column_or_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "good.csv"
    path.write_text("ops,percent,ms\n0,90,1\n1,80,2\n")
    with pytest.raises(LutraError, match="did you mean 'percent'"):
        read_csv(path, "ops", "precent", "ms")
    with pytest.raises(LutraError, match="cannot read"):
        read_csv(tmp_path / "none.csv", "ops", "percent", "ms")
