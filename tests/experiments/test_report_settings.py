"""Tests the settings that a report takes from other steps."""

from __future__ import annotations

import dataclasses
import typing
from pathlib import Path
from typing import Any

from experiments.config import Config
from experiments.steps.report import report
from experiments.store import artefacts
from paper.compression_rows import Stage
from paper.rows import read
from paper.setup_file import setup
from tests.commands import Finished, Here, copy_steps
from tests.experiments.asking import changed, requested


def test_a_report_of_a_given_search_says_what_that_search_was(finished: Finished, tmp_path: Path) -> None:
    """Not what the configuration says, which is not in the report's key."""
    search = finished.folder("search")
    config = dataclasses.replace(
        changed(Config(), "search.budget", 77), run=str(search), runs=str(finished.runs), seed=5
    )
    settings = typing.cast(Any, requested(report, config, finished, tmp_path)[-1].settings)
    own = artefacts.manifest(search)["config"]
    assert (settings.search.search.budget, settings.search.seed) == (own["search"]["budget"], own["seed"]) != (77, 5)


def test_a_given_search_brings_its_table_and_its_supernet(here: Here, finished: Finished, tmp_path: Path) -> None:
    """Whatever the configuration says; the page's commands repeat that search."""
    runs = copy_steps(finished, tmp_path, "measure", "train", "search", "retrain")
    given = f"run={runs / 'search' / finished.folder('search').name}"
    words = [word for word in finished.arguments if not word.startswith("measure.")]
    other = ("train.steps=7", "measure.networks=9", "compress.stages=[quantize]")
    done = here(report, *words, given, f"runs={runs}", *other)
    assert (done.code, done.err) == (0, "")
    made = Path(done.out.strip().splitlines()[-1])
    assert [len([*runs.glob(f"{step}/tiny-*")]) for step in ("measure", "train", "search")] == [1, 1, 1]
    steps = [{row.stage: row.steps for row in read(one, Stage)} for one in (made, finished.folder("report"))]
    assert steps[0]["inherited"] == steps[1]["inherited"] != 7
    assert setup(made).number("target_ms") == setup(finished.folder("report")).number("target_ms")
    page = (made / "report.html").read_text()
    for word in finished.arguments:
        if word.startswith("measure."):
            assert word in page
    assert "measure.networks=9" not in page


def trained_on_all(key: str, finished: Finished, folder: Path) -> tuple[set[str], set[str]]:
    """Returns the files that are timed, and those of networks that were trained on validation images too."""
    config = changed(changed(Config(), "objective.target_fraction", 1.0), f"{key}.all_images", True)
    (benchmarked,) = (one for one in requested(report, config, finished, folder) if one.name == "benchmark")
    timed = typing.cast(Any, benchmarked.settings).timed
    return {*timed}, {name for name, one in timed.items() if one.made.all_images}


def test_files_know_whether_validation_images_were_trained_on(finished: Finished, tmp_path: Path) -> None:
    timed, seen = trained_on_all("retrain", finished, tmp_path)
    assert seen == timed - {"inherited"}
    timed, seen = trained_on_all("compress.finetune", finished, tmp_path)
    assert seen == timed - {"inherited", "reference", "random", "retrained", "pruned"}
