"""Tests results that are missing, wrong, changed or of several runs: the paper is not built from them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from paper import build, checksums
from paper.csv_records import ResultError
from search_spaces.errors import LutraError
from tests.commands import ROOT
from tests.paper.made_up_results import (
    FILES,
    OF_COMPRESSION,
    OF_FRESH,
    OF_PROTOCOLS,
    edit,
    listed,
)


@pytest.mark.parametrize(
    ("name", "before", "after", "named"),
    [
        ("hand_made.csv", f"{106:064x}", f"{1:064x}", "winner, unpruned is not the same network as finetune, quantize"),
        (
            "stages.csv",
            f"{6:064x}",
            f"{66:064x}",
            "prune, finetune, quantize is not the same network as int8 in stages",
        ),
        (
            "pruning_rules.csv",
            f"{207:064x}",
            f"{1:064x}",
            "device is not the same network as prune, finetune, quantize",
        ),
        ("stages.csv", f"{3:064x}", f"{33:064x}", "nothing is not the same network as retrained in stages.csv"),
        ("ablation_setup.csv", "threads,1", "threads,2", "ablation_setup.csv: threads is '2', but '1' in setup.csv"),
        ("ablation.csv", "nothing,", "nil,", "ablation.csv: there is no row with stage=nothing"),
    ],
)
def test_files_of_two_winners_or_machines_are_refused(name, before, after, named, results, tmp_path) -> None:
    edit(results / name, before, after)
    with pytest.raises(ResultError, match=re.escape(named)):
        build.sources(results, tmp_path / "build")


NAMED = [*(("paper", name) for name in (*FILES, *OF_COMPRESSION)), ("slides", "stages.csv"), ("slides", "ablation.csv")]


@pytest.mark.parametrize(("document", "name"), NAMED)
def test_a_missing_file_is_named(document: str, name: str, results: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    (results / name).unlink()
    monkeypatch.setattr(sys, "argv", ["build", document, f"--results={results}", f"--build={tmp_path / 'build'}"])
    with pytest.raises(SystemExit, match="2"):
        build.main()
    said = capsys.readouterr().err
    step = "fidelity" if name in OF_FRESH else "protocols" if name in OF_PROTOCOLS else "report"
    step = name.split(".")[0].removesuffix("_setup") if name in OF_COMPRESSION else step
    assert f"{name} is missing; write it with: python -m experiments.{step} publish=true" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "before", "after", "named"),
    [
        ("stages.csv", "0.9833,0.000171", "nan,0.000171", "stages.csv, line 5: test_accuracy is 'nan'"),
        ("stages.csv", "0.9833,0.000171", "0.9833,0", "stages.csv, line 5: latency_median_s is '0', not positive"),
        ("stages.csv", "0.9833,0.000171", "0.9833,", "stages.csv, line 5: latency_median_s is ''"),
        ("stages.csv", "latency_p90_s", "p90", "stages.csv: there is no column latency_p90_s"),
        ("stages.csv", "pruned,fp32", "pruned,fp16", "stages.csv: there is no row with stage=pruned, precision=fp32"),
        ("setup.csv", "test_images,360", "test_images,many", "setup.csv: value of test_images is 'many'"),
        ("setup.csv", "table_rounds,", "rounds,", "setup.csv: there is no row with key=table_rounds"),
        ("networks.csv", "measured_s", "measured", "networks.csv: there is no column measured_s"),
        ("table.csv", "0,0,Stem(1),fp32,", "0,0,Stem(1),fp32,inf", "table.csv, line 2: seconds is 'inf"),
        ("candidates.csv", ",True,", ",maybe,", "feasible is 'maybe', neither true nor false"),
        ("stages.csv", "0.9833,0.000171", "98.33,0.000171", "line 5: test_accuracy is '98.33', not a fraction"),
        ("stages.csv", "0.9833,0.000171", "-0.1,0.000171", "line 5: test_accuracy is '-0.1', not a fraction"),
        ("ablation.csv", "nothing,fp32,", "nothing,fp32,1.5,", "ablation.csv, line 2 has 14 cells, the header 13"),
        ("table.csv", "0,0,Stem(1),fp32,", "0.5,0,Stem(1),fp32,", "layer is '0.5', not a whole number"),
        ("table.csv", "0,0,Stem(1),fp32,", "-1,0,Stem(1),fp32,", "layer is '-1', which is negative"),
        ("setup.csv", "target_ms,0.1", "target_ms,-0.1", "value of target_ms is '-0.1', not positive"),
    ],
)
def test_a_wrong_value_is_named(name: str, before: str, after: str, named: str, results, tmp_path) -> None:
    edit(results / name, before, after)
    with pytest.raises(LutraError) as error:
        build.sources(results, tmp_path / "build")
    assert named in str(error.value)


def test_only_files_as_they_were_published_are_built_from(results: Path, tmp_path: Path) -> None:
    def refused() -> str:
        with pytest.raises(ResultError) as error:
            build.sources(results, tmp_path / "build")
        assert "\n" not in str(error.value)
        return str(error.value)

    accuracy = (results / "stages.csv").read_bytes()
    (results / "stages.csv").write_bytes(accuracy.replace(b"0.9833", b"0.9933"))
    assert "stages.csv was changed" in refused()
    assert refused().endswith("python -m experiments.report publish=true")
    (results / "stages.csv").write_bytes(accuracy)
    (results / "pairs.csv").write_text("at\n1\n")
    assert "pairs.csv is not in SHA256SUMS; write it with: python -m experiments.compare publish=true" in refused()
    listed(results)
    (results / "pairs.csv").unlink()
    assert "pairs.csv is missing" in refused()
    text = (results / checksums.LIST).read_text()
    for damaged in (text[:-1], text + text, "", text.replace("  ", " "), "\ufeff" + text, text.replace("\n", "\r\n")):
        (results / checksums.LIST).write_bytes(damaged.encode())
        refused()
    (results / checksums.LIST).unlink()
    assert "SHA256SUMS is missing" in refused()


def test_the_committed_results_are_as_they_were_published() -> None:
    folders = {path.parent for path in (ROOT / "paper" / "results").rglob("*.csv")}
    assert len(folders) > 1
    for folder in folders:
        checksums.check(folder)
