"""Verifies and uses the finished search that run=FOLDER gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from experiments.config import Config
from experiments.display.progress import console
from experiments.setup.cache import remembered
from experiments.setup.given_table import checked
from experiments.steps.plan import plan_of
from experiments.store import artefacts
from experiments.store.candidate_journal import read_candidates
from experiments.store.keys import space_key
from experiments.store.provenance import whole
from experiments.store.step import as_json
from experiments.store.step_index import Index, index
from experiments.store.winner import CANDIDATES, FINALIST, SEARCH, SEARCHES, WINNER, read_winner
from paper.candidate_rows import Candidate as Row
from paper.candidate_rows import winner_of
from paper.rows import read
from search_spaces.errors import LutraError


def given(config: Config) -> Path:
    """The folder. Raises LutraError if it does not come from a search, or is for another space or other images."""
    folder, space = Path(config.run).resolve(), space_key(config)
    read_winner(folder)
    manifest = whole(folder)
    if manifest["step"] not in SEARCHES:
        raise LutraError(
            f"{folder} comes from the step {manifest['step']}: "
            "run= takes the folder that python -m experiments.search prints"
        )
    _check_winner(folder)
    _check_finalists(folder, manifest["inputs"])
    searched = manifest["config"].get("space")
    if searched != space:
        name = searched.get("name") if isinstance(searched, dict) else searched
        raise LutraError(
            f"{folder} is a search of space={name}, whose layers are not those of space={config.space.name} with these "
            f"images: add space={name}, and the data of that search"
        )
    _check_images(folder, manifest["config"].get("data"), as_json(plan_of(config).images))
    return folder


def table(config: Config) -> Path | None:
    """The file of the latency table that this search read. If it cannot be used, None, and a line that says why."""
    found, why = _read_by_search(config, "table"), "the step that measured it is not in the search's folder `runs`"
    if found is not None:
        try:
            return checked(replace(config, ignore=[]), plan_of(config).space, found)
        except LutraError as error:
            why = str(error)
    console.print(f"The latency table of {config.run} is not used: {why}.", highlight=False, soft_wrap=True)
    return None


def supernet(config: Config) -> Path:
    """The file of this search's supernet. Raises LutraError if no step beside the search made it."""
    found = _read_by_search(config, "supernet")
    if found is None:
        raise LutraError(
            f"the supernet of {config.run} is not in the same folder `runs`: copy the folder of its training there, or "
            "leave run= out"
        )
    return found


def _read_by_search(config: Config, name: str) -> Path | None:
    """The file that this search read by that name; None if no step in the search's folder `runs` made it."""
    folder = plan_of(config).search
    sha256, steps = artefacts.manifest(folder)["inputs"].get(name), _beside(folder)
    if not isinstance(sha256, str) or (key := steps.origin(sha256)) is None:
        return None
    made = whole(steps.folders[key])["outputs"]
    return steps.folders[key] / next(file for file, own in made.items() if own == sha256)


def _beside(folder: Path) -> Index:
    """The finished steps in the search's folder `runs`."""
    runs = folder.parents[1]
    return remembered(f"index {runs}", lambda: index(runs))


def _check_finalists(folder: Path, inputs: Mapping[str, str]) -> None:
    """Raises LutraError if the search before its finalists, or one of their trainings, is not beside the folder."""
    for name, sha256 in inputs.items():
        if (name == SEARCH or name.startswith(FINALIST)) and _beside(folder).origin(sha256) is None:
            what = "the search" if name == SEARCH else f"the training of {name}"
            raise LutraError(
                f"{folder} was made from {what}, which is not in the same folder `runs`: copy its folder there, or "
                "leave run= out"
            )


def _check_images(folder: Path, searched: Any, own: Mapping[str, Any]) -> None:
    """Raises LutraError if the search saw other images, or another split of them."""
    then = searched if isinstance(searched, dict) else {}
    differing = [key for key in {**own, **then} if then.get(key) != own.get(key)]
    if pairs := [f"data.{key} is {then.get(key)} there, {own.get(key)} here" for key in differing]:
        raise LutraError(f"{folder} is a search on other images: {', '.join(pairs)}; add the data of that search")


def _check_winner(folder: Path) -> None:
    """Raises LutraError unless the winner is the best candidate or finalist, with the same numbers."""
    winner, log = read_winner(folder), folder / CANDIDATES
    found = read_candidates(log)
    own, rows = next((one for one in found if one.arch == winner.arch), None), read(folder, Row)
    logged = {(artefacts.arch_name(one.arch), one.score, one.feasible) for one in found}
    proven = own is not None and logged == {(one.arch, one.score, one.feasible) for one in rows}
    proven = proven and winner_of(rows).arch == artefacts.arch_name(winner.arch)
    if not proven or any(getattr(own, key) != getattr(winner, key) for key in ("accuracy", "costs", "score")):
        raise LutraError(f"{folder / WINNER} is not the best of its {CANDIDATES}; delete {folder} and search again")
