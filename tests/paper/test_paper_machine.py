"""Tests the paper's statements about the machine, from its fingerprint and verdict, also with fewer fields."""

from __future__ import annotations

from pathlib import Path

import pytest

from paper import agreement, macros, sentences, tables
from paper.csv_records import ResultError
from paper.setup_file import Setup, setup
from tests.paper.made_up_results import OF_COMPRESSION, edit

ORANGE = {"device": "Orange Pi 5", "cpu": "Cortex-A76 + Cortex-A55", "machine": "aarch64", "threads": "4"}
NOISY = {
    "table_verdict": "noisy",
    "table_verdict_reasons": "other programs took 30 % of the cores; 2 of 9 rows: a (5 %)",
}


def board(**values: str) -> str:
    return sentences.board(Setup(Path("setup.csv"), values))


def test_a_board_is_called_a_board_and_by_its_name() -> None:
    told = board(**ORANGE)
    assert "one board, Orange Pi 5, Cortex-A76 + Cortex-A55, with 4 threads" in told
    assert "other programs" not in told
    assert "computer" not in told
    assert "one computer, Some CPU, with 1 thread." in board(cpu="Some CPU", machine="x86_64", threads="1")
    assert "one machine, whose name is unknown" in board()


def test_the_verdict_is_in_the_text_and_not_what_nobody_measured() -> None:
    told = board(**ORANGE, **NOISY, session_verdict="clean", table_unknown="throttled")
    assert r"the latency table was noisy (other programs took 30 \% of the cores; 2 of 9 rows)" in told
    assert "the session in which all files were timed was clean" in told
    assert "reports nothing about throttling" in told
    assert "not recorded" in board(**ORANGE)
    assert "clean" not in board(**ORANGE)


def test_the_speed_is_told_for_each_precision_or_for_both_as_older_files_do() -> None:
    def machine(**values: str) -> str:
        return sentences.machine(Setup(Path("setup.csv"), values))

    assert r"97.0\,\% in fp32 and 102.0\,\% in INT8 of the speed" in machine(
        machine_speed_fp32="0.97", machine_speed_int8="1.02"
    )
    assert r"ran at 97.0\,\% of the speed" in machine(machine_speed="0.97")
    assert "is unknown" in machine(machine_speed="")
    assert "is unknown" in machine()


def test_files_of_boards_without_a_cpu_are_compared_by_their_model(results: Path) -> None:
    """The row is missing once, and empty once."""
    names = ["setup.csv", *OF_COMPRESSION[1::2]]
    device = setup(results).values["device"]
    for name in names:
        values = setup(results, name).values
        edit(results / name, f"cpu,{values['cpu']}\n", "" if name == "setup.csv" else "cpu,\n")
        if "device" not in values:
            edit(results / name, "machine,", f"device,{device}\nmachine,")
    agreement.check(results)
    edit(results / OF_COMPRESSION[1], f"device,{device}", "device,another board")
    with pytest.raises(ResultError, match="device is 'another board'"):
        agreement.check(results)


def test_files_that_name_no_machine_are_refused(results: Path) -> None:
    edit(results / "setup.csv", f"device,{setup(results).values['device']}", "device,")
    for name in ("setup.csv", *OF_COMPRESSION[1::2]):
        edit(results / name, f"cpu,{setup(results, name).values['cpu']}", "cpu,")
    with pytest.raises(ResultError, match="do not name their machine"):
        agreement.check(results)


def test_a_state_that_both_files_tell_must_agree(results: Path) -> None:
    edit(results / "setup.csv", "machine,", "governor,performance\nmachine,")
    agreement.check(results)
    edit(results / OF_COMPRESSION[1], "machine,", "governor,ondemand\nmachine,")
    with pytest.raises(ResultError, match="governor is 'ondemand', but 'performance' in setup"):
        agreement.check(results)


def test_the_set_up_table_tells_verdict_and_state_where_they_are_known(results: Path, tmp_path: Path) -> None:
    tables.write(results, tmp_path)
    assert "noisy" not in (tmp_path / "setup.tex").read_text()
    edit(results / "setup.csv", "machine,", "governor,performance\ncores,4-7\ntable_verdict,noisy\nmachine,")
    tables.write(results, tmp_path)
    text = (tmp_path / "setup.tex").read_text()
    assert "processor & cores 4-7, governor performance" in text
    assert ", noisy" in text
    assert macros.numbers(results)["BoardSentence"]
