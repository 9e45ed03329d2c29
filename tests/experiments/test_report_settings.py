"""Tests the settings that a report takes from other steps."""

from __future__ import annotations

import dataclasses
import typing
from pathlib import Path
from typing import Any

from experiments.config import Config
from experiments.steps.report import report
from experiments.store import artefacts
from tests.commands import Finished
from tests.experiments.asking import changed, requested


def test_a_report_of_a_given_search_says_what_that_search_was(finished: Finished, tmp_path: Path) -> None:
    """Not what the configuration says, which is not in the report's key."""
    search = finished.folder("search")
    config = dataclasses.replace(changed(Config(), "search.budget", 77), run=str(search), seed=5)
    settings = typing.cast(Any, requested(report, config, finished, tmp_path)[-1].settings)
    own = artefacts.manifest(search)["config"]
    assert (settings.search.search.budget, settings.search.seed) == (own["search"]["budget"], own["seed"]) != (77, 5)


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
