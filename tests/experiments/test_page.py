"""Tests report.html: whole, safe with any class names, and equal to the CSV files."""

from __future__ import annotations

import csv
import dataclasses
import re
import shlex

import numpy as np
import pytest

from experiments.config import Config
from experiments.display.page.document import page
from experiments.display.page.predictions import Predictions
from paper.figures.pareto import front
from paper.rows import Candidate, Stage, read
from tests.commands import Finished, Here
from tests.experiments.pages import NASTY, RESULTS, parsed, run, table


def test_the_page_is_well_formed_and_the_same_for_the_same_run() -> None:
    text = page(run())
    assert parsed(text)
    assert text == page(run())


def test_nothing_of_the_page_is_elsewhere() -> None:
    found = parsed(page(run(())))
    for _, name, value in found.attributes:
        assert not re.search(r"(?i)https?:|//", value) or value.startswith("data:image/")
        if name in ("src", "href", "action", "data", "srcset", "xlink:href"):
            assert value.startswith(("data:", "#"))
    outside = [text for tag, text in found.texts if tag in ("style", "script")]
    assert not re.search(r"url\(|@import|fetch|XMLHttp|import\(|https?:", "".join(outside))
    policy = {name: value for tag, name, value in found.attributes if tag == "meta"}["content"]
    assert policy.startswith("default-src 'none'")


def test_names_of_users_stay_text() -> None:
    found = parsed(page(run()))
    assert sum(tag == "script" for tag, _ in found.texts) == 1
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]
    heads = {text for tag, text in found.texts if tag == "th"}
    assert {*NASTY} <= heads
    assert re.search(r"<\d+-\d+-", " ".join(value for _, name, value in found.attributes if name == "data-tip"))


def test_a_name_that_is_not_utf8_can_be_written() -> None:
    assert "caf?" in page(run(("caf\udce9",))).decode()


def test_every_image_has_a_text_and_every_heading_its_section() -> None:
    found = parsed(page(run()))
    alts = [value for tag, name, value in found.attributes if (tag, name) == ("img", "alt")]
    assert alts
    assert all(alts)
    ids = {value for _, name, value in found.attributes if name == "id"}
    assert {value for _, name, value in found.attributes if name == "aria-labelledby"} <= ids


def test_numbers_are_those_of_the_csv_files() -> None:
    made = run(())
    found = parsed(page(made))
    shown, rows = table(found, "stage"), read(RESULTS, Stage)
    assert len(shown) == len(rows)
    for line, row in zip(shown, rows):
        assert line["test (%)"] == f"{100 * row.test_accuracy:.2f}"
        assert line["median (ms)"] == f"{1e3 * row.latency_median_s:.4f}"
        assert line["kB"] == f"{row.file_bytes / 1e3:.1f}"
    edge = front(read(RESULTS, Candidate))
    listed = {line["architecture"]: line for line in table(found, "architecture")}
    assert {one.arch for one in edge} <= {*listed}
    for one in edge:
        assert float(listed[one.arch]["accuracy (%)"]) == pytest.approx(100 * one.accuracy, abs=0.005)
        assert float(listed[one.arch]["latency (ms)"]) == pytest.approx(1e3 * one.costs["latency_s"], rel=1e-3)
    with open(RESULTS / "setup.csv", newline="") as file:
        facts = {row["key"]: row["value"] for row in csv.DictReader(file) if row["value"]}
    assert {line["key"]: line["value"] for line in table(found, "key")} == facts


def test_the_matrix_counts_every_test_image() -> None:
    made = run(())
    predictions = Predictions(made.data.classes, made.data.test.labels.numpy(), made.predicted[made.sha256])
    lines = {line["class"]: line for line in table(parsed(page(made)), "class") if "correct" in line}
    for label, name in enumerate(made.data.classes):
        own = predictions.labels == label
        assert int(lines[name]["images"]) == own.sum() == predictions.matrix[label].sum()
        assert int(lines[name]["correct"]) == (predictions.predicted[own] == label).sum()
    assert predictions.balanced == pytest.approx(
        np.mean([np.mean(predictions.predicted[predictions.labels == c] == c) for c in range(10)])
    )
    assert sum(count for *_, count in predictions.confused) == (predictions.labels != predictions.predicted).sum()


def test_many_classes_are_shown_in_part_and_counted_in_whole() -> None:
    made = run(())
    labels = np.arange(300) % 100
    predicted = np.where(labels < 30, (labels + 1) % 100, labels)
    split = dataclasses.replace(made.data.test, labels=made.data.test.labels.new_tensor(labels), rows=None)
    split = dataclasses.replace(split, pixels=made.data.test.images[:300])
    data = dataclasses.replace(made.data, classes=tuple(f"class {n}" for n in range(100)), test=split)
    text = page(dataclasses.replace(made, data=data, predicted=dict.fromkeys(made.predicted, predicted)))
    assert b"24 of 100 classes" in text
    assert b"70.00 %" in text


def test_a_pipeline_ends_by_naming_its_page(finished: Finished) -> None:
    (line,) = (one for one in finished.out.splitlines() if one.startswith("The page about this run: "))
    assert (finished.house / line.partition(": ")[2]) == finished.folder("report") / "report.html"


def test_a_page_agrees_with_its_report(finished: Finished) -> None:
    found = parsed((finished.folder("report") / "report.html").read_bytes())
    (final,) = (row for row in read(finished.folder("report"), Stage) if row.stage == "int8")
    lines = [line for line in table(found, "class") if "correct" in line]
    right, total = (sum(int(line[column]) for line in lines) for column in ("correct", "images"))
    assert right / total == pytest.approx(final.test_accuracy, abs=1e-6)


def test_the_commands_of_a_page_ask_for_the_same_run(finished: Finished, here: Here) -> None:
    found = parsed((finished.folder("report") / "report.html").read_bytes())
    text = "".join(text for tag, text in found.texts if tag == "pre")
    (words,) = (shlex.split(line)[3:] for line in text.splitlines() if "experiments.pipeline" in line)
    asked: list[Config] = []
    for arguments in (words, finished.arguments):
        assert here(asked.append, *arguments).code == 0
    parts = ("data", "space", "device", "measure", "train", "search", "strategy", "objective", "retrain")
    for part in (*parts, "seed", "supernet_seed", "precision", "threads", "accelerator"):
        assert getattr(asked[0], part) == getattr(asked[1], part)
    for part in ("stages", "prune", "finetune", "distillation", "quantize", "calibration", "memory"):  # of its stages
        assert getattr(asked[0].compress, part) == getattr(asked[1].compress, part)
