"""Tests what the paper says about transfer between targets."""

from __future__ import annotations

import csv
from dataclasses import fields, replace
from pathlib import Path

import pytest

from paper import transfer as text
from paper.csv_records import ResultError
from paper.figures import transfer as figure
from paper.rows import read
from paper.transfer_rows import MACS, PARAMETERS, Transferred

FAST, SMALL = "onnxruntime fp32 1 thread", "onnxruntime int8 1 thread"


def write(folder: Path, loss: float = 0.5) -> Path:
    """Writes made-up results of two targets."""
    columns = [one.name for one in fields(Transferred)]
    rows = []
    for target in (FAST, SMALL):
        for chosen_for in (FAST, SMALL, MACS, PARAMETERS):
            own = target == chosen_for
            seconds, lose = (1e-3, 0.0) if own else (1.5e-3, loss)
            spread = 0 if own else 0.01
            timed, lost_in = (1e-3, seconds, seconds, seconds), (lose, lose - spread, lose + spread)
            rows.append((target, chosen_for, chosen_for, 0.9, 1e6, 1e4, *timed, *lost_in, "A & B", "one 1.0", "noisy"))
    with (folder / "transfer.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    for name in ("setup.csv", "transfer_setup.csv"):
        (folder / name).write_text("key,value\nspace,edge\nresolution,32\ndata,digits\ncpu,A\n")
    return folder


def test_the_text_follows_from_the_rows(tmp_path: Path) -> None:
    text.write(write(tmp_path), tmp_path)
    sentence = text.macros(tmp_path)["TransferSentence"]
    assert "The 2 targets choose 2 different networks" in sentence
    assert (
        r"takes 50\,\% longer than the own one on average. The most is 50\,\% (95\,\% interval 49 to 51), by"
        in sentence
    )
    assert "were not clean" in sentence
    assert "2 of the 2 losses are significant." in sentence
    assert (tmp_path / "transfer.tex").read_text().count(r"\\") == 3
    (tmp_path / "transfer_setup.csv").write_text("key,value\nspace,mobile\nresolution,32\ncpu,A\n")  # another run's
    assert {*text.macros(tmp_path).values()} == {""}
    text.write(tmp_path, tmp_path)
    assert not (tmp_path / "transfer.tex").exists()


def test_a_loss_that_is_not_that_of_its_latency_is_refused(tmp_path: Path) -> None:
    text.check(tmp_path)  # there is none
    text.check(write(tmp_path))
    with pytest.raises(ResultError, match=r"loses 0\.5, not 0\.6"):
        text.check(write(tmp_path, 0.6))


def test_a_matrix_with_a_hole_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path) / "transfer.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(ResultError, match="7 rows, which are not the 8 of 2 targets"):
        text.check(tmp_path)


def test_the_figure_has_a_number_for_each_cell(tmp_path: Path) -> None:
    rows = read(write(tmp_path), Transferred)
    unsure = replace(rows[1], loss_low=-0.1)
    (axes,) = figure.plot([rows[0], unsure, *rows[2:]]).axes
    assert [one.get_text() for one in axes.texts] == ["0", "(50)", *["50"] * 3, "0", "50", "50"]
    assert axes.texts[1].get_position() == (0, 1)


def test_what_the_interval_does_not_show_is_not_counted_as_a_loss(tmp_path: Path) -> None:
    other = read(write(tmp_path), Transferred)[1]
    doubtful, faster = replace(other, loss_low=-0.1), replace(other, loss_low=-0.2, loss_high=-0.1)
    assert text.significance([doubtful, doubtful]) == "None of the 2 losses is significant."
    assert text.significance([other, doubtful, faster]) == (
        "1 of the 3 losses is significant; in 1 case the other network is significantly faster."
    )
