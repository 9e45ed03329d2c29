"""Tests the numbers and tables of the paper, which follow from the CSV files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from paper import build, macros, prediction, protocols, sentences, tables
from paper.compression_rows import Stage
from paper.latex import count, escape, significant
from paper.setup_file import Setup
from tests.commands import ROOT
from tests.paper.made_up_results import (
    edit,
    predictions,
)


def test_a_changed_number_changes_the_text(results: Path, tmp_path: Path) -> None:
    def texts() -> tuple[str, ...]:
        macros.write(results, tmp_path)
        tables.write(results, tmp_path)
        return tuple((tmp_path / f"{name}.tex").read_text() for name in ("numbers", "stages", "setup"))

    before = texts()
    edit(results / "stages.csv", "retrained,fp32,0.99,0.9833,0.000171", "retrained,fp32,0.99,0.9444,0.000571")
    after = texts()
    assert r"\newcommand{\WinnerTestAccuracy}{98.3\,\%}" in before[0]
    assert r"\newcommand{\WinnerTestAccuracy}{94.4\,\%}" in after[0]
    assert r"\newcommand{\NasVersusHandMade}{takes 45\,\% less time" in before[0]
    assert r"\newcommand{\NasVersusHandMade}{is not better: it takes 84\,\% more time" in after[0]
    assert "winner, retrained & 99.0 & 94.4 & 0.571" in after[1]
    assert before[2] == after[2]


def test_setup_and_data_reach_the_text(results: Path, tmp_path: Path) -> None:
    assert "not that one network is better" in macros.numbers(results)["DataSentence"]
    edit(results / "setup.csv", "data,digits", "data,cifar10")
    edit(results / "setup.csv", "target_ms,0.1", "target_ms,")
    edit(results / "setup.csv", "space,tiny", "data_file,cifar10_jpeg.tar.gz\nspace,tiny")
    tables.write(results, tmp_path)
    assert macros.numbers(results)["Data"] == "CIFAR-10 as JPEG files"
    assert macros.numbers(results)["DataCited"] == r"CIFAR-10 as JPEG files~\cite{krizhevsky2009learning}"
    assert r"data & CIFAR-10 as JPEG files, 16 pixels" in (tmp_path / "setup.tex").read_text()
    assert r"for CIFAR-10 as JPEG files with 1\,150 training images" in macros.numbers(results)["DataSentence"]
    assert "not comparable with those published for CIFAR-10" in macros.numbers(results)["DataSentence"]
    assert macros.numbers(results)["TargetSentence"] == "The search had no target."
    assert "target & none" in (tmp_path / "setup.tex").read_text()
    assert r"time & table 64\,s, supernet 38\,s, search 22\,s" in (tmp_path / "setup.tex").read_text()
    assert macros.numbers(results)["QuantizedLayers"] == "all layers"
    assert macros.numbers(results)["ConversionSentence"] == ""
    edit(results / "setup.csv", "cifar10_jpeg.tar.gz", "my_birds\nfloat_layers,0 12")
    told = macros.numbers(results)
    assert told["Data"] == told["DataCited"] == r"my\_birds"
    assert told["QuantizedLayers"] == "all layers but numbers 0, 12, counted from 0, which stay in float"
    assert "predictions leave them out" in told["ConversionSentence"]
    edit(results / "setup.csv", "float_layers,0 12", "float_layers,0 12\nuntimed_float_layers,12")
    mixed = macros.numbers(results)["ConversionSentence"]
    assert "times the ratio" in mixed
    assert "for better accuracy (numbers 12) are predicted without" in mixed
    edit(results / "setup.csv", "untimed_float_layers,12", "untimed_float_layers,")
    assert macros.numbers(results)["ConversionSentence"].endswith("when the layers were chosen.")


def test_the_files_say_which_protocol_and_predictor_is_best(results: Path, tmp_path: Path) -> None:
    told = macros.numbers(results)
    assert told["FreshAloneFloat"] == r"40.0\,\%"
    assert told["FreshSession"] == ""
    state = 'session_verdict,noisy\nsession_verdict_reasons,"fp32/5 (+-4.1 %)"\n'
    (results / "fidelity_setup.csv").write_text((results / "fidelity_setup.csv").read_text() + state)
    assert macros.numbers(results)["FreshSession"] == r"The session was noisy (fp32/5 ($\pm$4.1\,\%))."
    assert told["FreshVerdict"].startswith("No other predictor")
    best = r"\emph{in context} has the smallest mean error in both precisions (1.0\,\% in fp32 and 1.0\,\% in INT8)"
    assert best in told["ProtocolVerdict"]
    assert "all other tables" not in told["ProtocolVerdict"].lower()
    predictions(results, forest=0.001, alone=0.002)
    told = macros.numbers(results)
    assert told["FreshVerdict"].startswith(r"\emph{corrected table} has the smallest mean error in fp32")
    assert told["FreshVerdict"].endswith(r", and \emph{forest} in INT8.")
    assert r", and \emph{alone} in INT8 (0.2" in told["ProtocolVerdict"]
    assert r"uses \emph{in context}, whose mean error is 1.0\,\% in INT8" in told["ProtocolVerdict"]
    prediction.write(results, tmp_path)
    protocols.write(results, tmp_path)
    assert r"in context & $+$30.0 & 5.00 & 1.00 & $+$30.0 & 5.00 & 1.00 \\" in (tmp_path / "protocols.tex").read_text()
    assert r"forest & 10.00 & 0 & 0.900 & 0.10 & 100 & 0.900 \\" in (tmp_path / "fresh.tex").read_text()


def test_training_steps_are_printed_where_a_file_has_them(results: Path, tmp_path: Path) -> None:
    stages = results / "stages.csv"
    header, *lines = stages.read_text().splitlines()
    tables.write(results, tmp_path)
    assert r" & -- \\" in (tmp_path / "stages.tex").read_text()
    stages.write_text("\n".join([f"{header},steps", *(f"{line},4000" for line in lines)]) + "\n")
    tables.write(results, tmp_path)
    table = (tmp_path / "stages.tex").read_text()
    assert table.count(r" & 4\,000 \\") == len(lines)


@pytest.mark.parametrize("document", build.DOCUMENTS)
def test_the_text_uses_the_macros_that_exist_and_types_no_number(document: str, results: Path) -> None:
    text = (ROOT / f"paper/{document}.tex").read_text()
    used = set(re.findall(r"\\([A-Z][A-Za-z]+)", text)) - {"IfFileExists", "DeclareMicrotypeSet"}
    assert used <= set(macros.numbers(results))
    body = text[text.index(r"\begin{document}") :]
    assert re.findall(r"\d+\.\d+|\d+\\,(?:ms|s\b|points)", body) == []
    assert {*re.findall(r"(\d+)\\,\\%", body)} == {"5"}  # the width of the band


@pytest.mark.parametrize("rounded", [(0.9833, 360, "not significant"), (0.9900, 36_000, "significant")])
def test_a_difference_is_compared_with_chance(rounded: tuple[float, int, str]) -> None:
    accuracy, images, verdict = rounded
    new, old = (Stage("x", "fp32", a, a, 1.0, 1.0, None, 1.0, 1.0, 1.0, "") for a in (accuracy, 0.9806))
    assert f"({verdict}, " in sentences.more_accurate(new, old, images)
    assert sentences.more_accurate(new, new, images) == "is as accurate on the test images"
    assert sentences.faster(new, old) == r"takes as long (within 2\,\%)"
    assert sentences.versus(old, new, images).startswith("is not better: it takes as long")


def test_the_target_is_judged_by_the_measurement() -> None:
    stage = Stage("x", "int8", 1.0, 1.0, 1.2e-3, 1.3e-3, None, 1.0, 1.0, 1.0, "")
    judged = [sentences.target(stage, Setup(Path(), {"target_ms": asked})) for asked in ("1.0", "1.2")]
    assert "misses the target by 20.0" in judged[0]
    assert "meets the target" in judged[1]
    slow = {"target_ms": "1.0", "machine_speed_int8": "0.75"}
    assert "would take 0.9" in sentences.target(stage, Setup(Path(), slow))
    assert "which meets it" in sentences.target(stage, Setup(Path(), slow))
    assert "which misses it" in sentences.target(stage, Setup(Path(), slow | {"machine_speed_int8": "0.9"}))
    fast = sentences.target(stage, Setup(Path(), {"target_ms": "1.25", "machine_speed_int8": "1.1"}))
    assert "meets the target; at the speed of the table's session" in fast
    assert "which misses it" in fast
    assert "session" not in sentences.target(stage, Setup(Path(), {"target_ms": "2", "machine_speed_int8": "1.1"}))


def test_words_and_numbers_are_safe_in_latex() -> None:
    assert escape("a_b & 5%\n{~}\\ 中") == r"a\_b \& 5\% \{\textasciitilde{}\}\textbackslash{} ?"
    assert [significant(x) for x in (0.0123, 1.5, 99.9, 1234.0)] == ["0.0123", "1.50", "99.9", "1234"]
    assert [count(x) for x in (2000, 6.6e10)] == [r"2\,000", r"$6.6\times10^{10}$"]
