"""Tests which layers stay in float where nothing is typed, and which file a report deploys: as measured."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from experiments.config import Config
from experiments.config.stage_order import QUANTIZE
from experiments.setup.session_record import Session, read_rows, show_rows
from experiments.stages import fp32_fallback
from experiments.stages.settings import Quantize
from experiments.steps.benchmark import shown
from experiments.steps.compress import settings_of
from experiments.steps.deployment import Deployed, deployed
from experiments.steps.plan import Plan
from experiments.steps.report import report as show_report
from experiments.store import artefacts, provenance
from experiments.studies import demonstration
from paper.compression_rows import Stage
from predictors.board.measured_part import measured_part
from search_spaces.documents import sha256
from search_spaces.errors import LutraError
from tests.commands import Finished, Here, copy_steps
from tests.experiments.asking import changed, with_values

FOREIGN = {"table": "table.json", "ignore": ["cpu"]}
WITHOUT: list[Mapping[str, Any]] = [
    {"device.name": "bundle"},
    {"device.name": "simulated"},
    FOREIGN,
    {"compress.quantize.kind": "fp16"},
    {"compress.quantize.kind": "dynamic"},
]


def key_of(config: Config) -> dict[str, Any]:
    settings = settings_of(config, QUANTIZE)
    assert isinstance(settings, Quantize)
    return dataclasses.asdict(settings.quantize)


def test_the_default_is_what_was_typed_before() -> None:
    assert key_of(Config()) == key_of(changed(Config(), "compress.quantize.float_layers", "time"))
    assert key_of(Config())["float_layers"] == "time"


@pytest.mark.parametrize("values", WITHOUT, ids=str)
def test_the_default_has_no_effect_where_nothing_can_be_timed(
    values: Mapping[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    config = with_values(values)
    without = changed(config, "compress.quantize.float_layers", "none")
    assert key_of(config) == key_of(without)
    plan = Plan(config)
    for _ in range(2):
        assert fp32_fallback.by_time(plan, Path("network")) == {}
    assert capsys.readouterr().out.count("No layer stays in float to save time: ") == (
        "compress.quantize.kind" not in values
    )
    assert fp32_fallback.by_time(Plan(without), Path("network")) == {}
    assert not capsys.readouterr().out


@pytest.mark.parametrize("values", WITHOUT[:3], ids=str)
def test_an_explicit_choice_by_time_needs_the_device(values: Mapping[str, Any]) -> None:
    config = changed(with_values(values), "compress.quantize.float_layers", "both")
    with pytest.raises(LutraError, match="device"):
        fp32_fallback.by_time(Plan(config), Path("network"))


def row(stage: str, precision: str, content: bytes, seconds: float, parent: str = "") -> Stage:
    numbers = (0.5, 0.5, seconds, seconds, None, len(content))
    return Stage(stage, precision, *numbers, macros := 1, macros, parent=parent, sha256=sha256(content))


def chosen(folder: Path, kind: str = "int8", choice: str = "faster", **more: Any) -> Deployed:
    """What is deployed of a network, `wide` by default, whose quantized file takes 1 s (0.9 to 1.1), fp32 1.2 s."""
    asked = {"costs": ["latency"], "fp32": (1.15, 1.3), **more}
    network = artefacts.step(
        folder, "compress", "finetune", {"a": 1}, {}, lambda made: artefacts.write(made / "network", b"network")
    )
    quantized = artefacts.step(
        folder, "compress", "quantize", {"b": 1}, {}, lambda made: artefacts.write(made / f"{kind}.onnx", b"small")
    )
    parent = artefacts.sha256(network / "network")

    def benchmarked(made: Path) -> None:
        artefacts.write(made / "finetuned.fp32.onnx", b"whole")
        artefacts.write(made / f"{kind}.{kind}.onnx", b"small")

    benchmark = artefacts.step(folder, "benchmark", "a", {}, {"finetuned": parent, "reference": "0"}, benchmarked)
    rows = [
        row("reference", "fp32", b"other", 0.1),
        row("finetuned", "fp32", b"whole", 1.2),
        row(kind, kind, b"small", 1.0, parent),
    ]
    session = Session({}, "clean", [], {rows[1].sha256: asked["fp32"], rows[2].sha256: (0.9, 1.1)})
    return deployed(quantized / f"{kind}.onnx", benchmark, rows, session, asked["costs"], choice)


@pytest.mark.parametrize(
    ("more", "precision"),
    [
        ({}, "int8"),
        ({"fp32": (1.05, 1.3)}, "fp32"),
        ({"fp32": (0.5, 0.6)}, "fp32"),
        ({"fp32": (0.5, 0.6), "choice": "quantized"}, "int8"),
        ({"fp32": (0.5, 0.6), "costs": ["latency", "size"]}, "int8"),
        ({"fp32": (0.5, 0.6), "kind": "fp16"}, "fp16"),
        ({"fp32": (0.5, 0.6), "kind": "dynamic"}, "fp32"),
    ],
)
def test_the_faster_file_is_deployed(more: dict[str, Any], precision: str, tmp_path: Path) -> None:
    found = chosen(tmp_path, **more)
    assert found.row.precision == precision
    assert artefacts.sha256(found.path) == found.row.sha256
    assert bool(found.why) == (precision == "fp32")
    if found.why:
        assert "is not significantly faster than fp32 here: 1000 ms (95 % interval 900 to 1100)" in found.why
        assert (tmp_path / found.why.rpartition(" ")[2]).exists()


def test_records_without_intervals_are_judged_by_their_medians() -> None:
    one = row("a", "fp32", b"one", 2.0)
    assert Session({}).interval(one) == (2.0, 2.0)


def test_the_table_marks_the_deployed_file() -> None:
    rows = [row("finetuned", "fp32", b"whole", 1.0), row("int8", "int8", b"small", 1.0)]
    names = show_rows(rows, "", {"finetuned": "winner, finetuned"}, rows[0].sha256).columns[0].cells
    assert [*names] == ["winner, finetuned, deployed", "int8"]


@pytest.fixture
def in_fp32(finished: Finished, tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """A report of the finished pipeline where INT8 is not faster, and what was printed."""
    runs = Path(shutil.copytree(finished.runs, tmp_path / "runs"))
    monkeypatch.setattr(Session, "interval", lambda session, row: (1.0, 1.0))
    code, out, err = here(show_report, *finished.arguments, f"runs={runs}", "compress.deploy=faster")[:3]
    assert code == 0, err
    (folder,) = (path.parent for path in runs.glob("report/*/fp32.onnx"))
    return folder, out


def test_a_report_deploys_fp32_where_int8_does_not_pay(
    in_fp32: tuple[Path, str], finished: Finished, here: Here
) -> None:
    folder, out = in_fp32
    assert [path.name for path in folder.glob("*.onnx")] == ["fp32.onnx"]
    measured = measured_part((folder / "fp32.onnx").read_bytes())
    assert measured == (finished.folder("benchmark") / "finetuned.fp32.onnx").read_bytes()
    lineage = provenance.verify(folder)
    assert lineage.row["sha256"] == sha256(measured)
    assert [step.what for step in lineage.line][-3:] == ["prune", "finetune", "benchmark"]
    assert QUANTIZE in {step.what for step in lineage.others}
    why = "INT8 is not significantly faster than fp32 here"
    for text in (out, (folder / "report.html").read_text(), here(show_report, f"run={folder}").out):
        assert why in " ".join(text.split())
    assert "fp32.onnx" in (folder / "model_card.md").read_text()
    assert "compress.stages=" not in (folder / "report.html").read_text()  # the command that repeats it quantizes too


def test_a_file_has_one_row_where_nothing_is_pruned(finished: Finished, here: Here, tmp_path: Path) -> None:
    runs = copy_steps(finished, tmp_path / "runs", "measure", "train", "search", "retrain")
    done = here(shown, *finished.arguments, f"runs={runs}", "compress.stages=[quantize]")
    assert (done.code, done.err) == (0, "")
    (folder,) = (runs / "benchmark").iterdir()
    hashes = [row.sha256 for row in read_rows(folder)[0]]
    assert len(hashes) == len({*hashes})


def test_the_demo_shows_the_deployed_file(
    in_fp32: tuple[Path, str], finished: Finished, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = in_fp32
    seen: list[Path] = []
    show = (*finished.arguments, f"runs={folder.parents[1]}", "compress.deploy=faster")
    assert here(lambda config: seen.append(demonstration.model_of(config)), *show).code == 0
    assert [path.resolve() for path in seen] == [(folder / "fp32.onnx").resolve()]
