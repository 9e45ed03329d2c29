"""Finished reports: found by their configuration or by run=FOLDER, and shown again without running any step."""

from __future__ import annotations

from pathlib import Path

from experiments.config import Config
from experiments.config.reference import Reference
from experiments.store.artefacts import MANIFEST, manifest
from experiments.store.looking import NotMade, looking
from experiments.store.provenance import LINEAGE
from experiments.store.winner import WINNER
from predictors.agent.runtimes import SUFFIXES
from search_spaces.errors import LutraError

MADE = Reference("experiments.steps.report:made")
REPORTABLE = Reference("experiments.steps.report:is_reportable")
SHOWN = 6  # the most reports that a message names


def finished_report(config: Config) -> Path:
    """The report of this configuration. If it is not finished, raises a LutraError that names the finished reports."""
    try:
        with looking():
            return Path(MADE(config)).resolve()
    except NotMade:
        raise _missing("this configuration has no finished report", config) from None


def deployed_file(config: Config) -> Path | None:
    """The deployed file in the report of this configuration; None if there is no finished report."""
    if not REPORTABLE(config):
        return None
    try:
        with looking():
            return deployed_in(Path(MADE(config)))
    except NotMade:
        return None


def deployed_in(step: Path) -> Path:
    """The file that a report deploys, or that quantization made. Other files in the folder are not the step's."""
    (file,) = (name for name in manifest(step)["outputs"] if Path(name).suffix in SUFFIXES)
    return step / file


def given_report(config: Config) -> Path | None:
    """The folder run=FOLDER if it is a report; None if it is a search.

    If it is neither, raises a LutraError that names the finished reports.
    """
    folder = Path(config.run)
    if not folder.is_dir():
        raise _missing(f"there is no folder {folder}", config)
    if (folder / LINEAGE).is_file():
        return folder.resolve()
    if not (folder / WINNER).is_file():
        raise _missing(f"{folder} is neither a report's folder nor a search's", config)
    return None


def _missing(what: str, config: Config) -> LutraError:
    paths = Path(config.runs).glob(f"report/*/{MANIFEST}")
    folders = [str(path.parent) for path in sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)]
    if not folders:
        make = "make one: python -m experiments.pipeline with the same settings"
        return LutraError(f"{what}, and there is none in {config.runs}; {make}")
    more = f" and {len(folders) - SHOWN} more" if len(folders) > SHOWN else ""
    return LutraError(
        f"{what}; in {config.runs} there are: {', '.join(folders[:SHOWN])}{more}; show one with run=FOLDER, or make "
        "this one: python -m experiments.report with the same settings"
    )
