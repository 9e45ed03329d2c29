"""report.html: whole, safe with any class names, equal to the CSV files, and quiet in a real browser."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from experiments.config import Config
from experiments.config.registry import DATASETS
from experiments.display.page.document import Run, page
from experiments.display.page.predictions import Predictions
from paper.figures.pareto import front
from paper.rows import Candidate, Stage, read
from tests.commands import ROOT, Finished, Here

RESULTS = ROOT / "paper" / "results"
VOID = {"meta", "link", "img", "br", "hr", "input"}
NASTY = (
    "<script>alert(1)</script>",
    "a&amp;b",
    'q"><img src=x onerror=alert(2)>',
    "it's",
    "https://example.org/",
    "Ảnh",
)
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PROBE = """<script>
const marks = [...document.querySelectorAll("[data-tip][tabindex]")];
const shown = marks.slice(0, 40).map(mark => {
  mark.focus();
  const box = tip.getBoundingClientRect();
  const inside = box.left >= 0 && box.right <= innerWidth;
  return !tip.hidden && tip.textContent === mark.getAttribute("aria-label") && inside;
});
document.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape"}));
const texts = [...document.querySelectorAll("p, td, th, li")];
const found = {shown, hides: tip.hidden, width: innerWidth, wide: document.documentElement.scrollWidth,
  small: texts.filter(one => parseFloat(getComputedStyle(one).fontSize) < 11).length};
document.title = "PROBE" + JSON.stringify(found) + "END";
</script>"""


def run(classes: tuple[str, ...] = NASTY) -> Run:
    """The committed results, with digits named `classes` and predictions of which one in four is wrong."""
    data = DATASETS["digits"]("", 16, 0.2, 0)
    data = dataclasses.replace(data, classes=(*classes, *data.classes[len(classes) :]))
    labels, rng = data.test.labels.numpy(), np.random.default_rng(0)
    predicted = np.where(rng.random(len(labels)) < 0.25, rng.integers(0, 10, len(labels)), labels)
    rows = read(RESULTS, Stage)
    final = next(row for row in rows if row.stage == "int8")
    predictions = {row.sha256: predicted for row in rows}
    return Run(RESULTS, "int8.onnx", final.sha256, data, predictions, lambda arch: f"<{arch}>", ["echo '<&>'"])


@dataclass
class Parsed(HTMLParser):
    """A page's tables, attributes and texts. Refuses elements that are not closed in order."""

    open: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)  # element, name, value
    texts: list[tuple[str, str]] = field(default_factory=list)  # element, text
    rows: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.append((self.open[-1], data))
        if {"td", "th"} & {*self.open}:
            self.rows[-1][-1] += data


def parsed(text: bytes) -> Parsed:
    found = Parsed()
    found.feed(text.decode())
    found.close()
    assert not found.open
    return found


def table(found: Parsed, first: str) -> list[dict[str, str]]:
    """The rows below the header that begins with `first`."""
    start = next(at for at, row in enumerate(found.rows) if row[:1] == [first])
    head, below = found.rows[start], found.rows[start + 1 :]
    end = next((at for at, row in enumerate(below) if len(row) != len(head)), len(below))
    return [dict(zip(head, row)) for row in below[:end]]


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
        assert float(listed[one.arch]["predicted latency (ms)"]) == pytest.approx(
            1e3 * one.costs["latency_s"], rel=1e-3
        )
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


# --- of a real run


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


# --- in a browser


def browser() -> str:
    found = next((name for name in BROWSERS if shutil.which(name)), "")
    if not found:
        pytest.skip("no headless Chromium is installed")
    return found


def requested(log: Path) -> Iterator[str]:
    """The addresses that the browser asked the network for."""
    for address in re.findall(r'"url":"([^"]*)"', log.read_text()):
        if not address.startswith(("file:", "data:", "about:", "chrome:", "devtools:")):
            yield address


@pytest.mark.parametrize("width", [400, 1200])
def test_a_browser_shows_it_without_errors_or_network(width: int, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(page(run()).replace(b"</body>", PROBE.encode() + b"</body>"))
    options = ["--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--window-size={width},900"]
    options += [f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={tmp_path / 'net.json'}", "--dump-dom"]
    started = [browser(), *options, (tmp_path / "page.html").as_uri()]
    done = subprocess.run(started, capture_output=True, text=True, timeout=120)
    assert "CONSOLE" not in done.stderr
    assert not [*requested(tmp_path / "net.json")]
    probe = re.search(r"<title>PROBE(.*?)END</title>", done.stdout)
    assert probe
    found = json.loads(probe[1])
    assert found["shown"]
    assert all(found["shown"])
    assert found["hides"]
    assert found["wide"] <= found["width"] == width
    assert found["small"] == 0
