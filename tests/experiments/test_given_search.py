"""Tests a winner from a search's folder that is given: its candidates must prove it."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pytest

from experiments.config import Config, SpaceConfig
from experiments.setup.devices import passport_of
from experiments.steps import given_search
from experiments.steps.compress import folder_of_search
from experiments.steps.plan import measure, train
from experiments.store import artefacts, journal
from search_spaces import documents
from search_spaces.errors import LutraError
from tests.commands import Finished, copy_steps


@pytest.fixture
def search_folder(finished: Finished, tmp_path: Path) -> Path:
    """Returns a copy of a finished search."""
    folder = finished.folder("search")
    return Path(shutil.copytree(folder, tmp_path / "search" / folder.name))


def resealed(folder: Path) -> None:
    """Updates the manifest after files were changed."""
    record = documents.read_sealed(folder / "manifest.json")
    record["outputs"] = {name: artefacts.sha256(folder / name) for name in record["outputs"]}
    (folder / "manifest.json").write_text(documents.sealed(record))


def found(folder: Path) -> Path:
    return folder_of_search(Config(run=str(folder)))


def test_a_search_that_is_given_is_used_where_all_of_it_is_proven(search_folder: Path, finished: Finished) -> None:
    assert found(search_folder) == search_folder
    assert found(finished.folder("search")) == finished.folder("search")


@pytest.mark.parametrize("text", ["[]", "null", "5", "[" * 100_000, "{}", '{"arch": 5}', "\ufeff{}", "", "NaN"])
def test_a_winner_that_is_none_is_one_line(text: str, search_folder: Path) -> None:
    (search_folder / "winner.json").write_text(text, encoding="utf-8")
    for mend in (lambda: None, lambda: resealed(search_folder)):
        mend()
        with pytest.raises(LutraError, match=re.escape(str(search_folder))) as caught:
            found(search_folder)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("arch", [0] * 7), ("accuracy", 0.9999), ("latency", 1e-9), ("score", 99.0)],
)
def test_a_winner_that_its_candidates_do_not_prove_is_refused(key: str, value: object, search_folder: Path) -> None:
    record = json.loads((search_folder / "winner.json").read_text())
    (search_folder / "winner.json").write_text(json.dumps({**record, key: value}))
    with pytest.raises(LutraError, match=r"winner\.json was changed since it was made"):
        found(search_folder)
    resealed(search_folder)
    with pytest.raises(LutraError, match=r"is not the best of its candidates"):
        found(search_folder)


def test_candidates_that_beat_the_winner_are_told(search_folder: Path) -> None:
    (last,) = journal.read(search_folder / "candidates.jsonl")[-1:]
    journal.append(search_folder / "candidates.jsonl", {**last, "feasible": True, "score": 99.0})
    resealed(search_folder)
    with pytest.raises(LutraError, match=r"is not the best of its candidates"):
        found(search_folder)


def test_a_search_under_the_name_of_another_is_refused(search_folder: Path) -> None:
    renamed = search_folder.with_name(search_folder.name[:-8] + "01234567")
    search_folder.rename(renamed)
    with pytest.raises(LutraError, match=r"belongs to another step than"):
        found(renamed)


def test_a_search_of_another_space_is_refused(search_folder: Path) -> None:
    config = dataclasses.replace(Config(run=str(search_folder)), space=SpaceConfig("mobile"))
    with pytest.raises(LutraError, match="is a search of space=tiny, whose layers are not those of space=mobile"):
        folder_of_search(config)


@pytest.mark.parametrize(("key", "value"), [("seed", 1), ("validation", 0.3), ("balanced", True), ("name", "cifar10")])
def test_a_search_on_other_images_is_refused(key: str, value: object, finished: Finished) -> None:
    """A winner may have been chosen on images that another split trains on, and so may its supernet."""
    config = Config(run=str(finished.folder("search")))
    config = dataclasses.replace(config, data=dataclasses.replace(config.data, **{key: value}))
    for wanted in (folder_of_search, train, measure):
        with pytest.raises(LutraError, match=r"other images|with these images"):
            wanted(config)


def test_a_search_brings_its_table_and_its_supernet_from_its_own_runs(finished: Finished, search_folder: Path) -> None:
    config = Config(run=str(finished.folder("search")), runs="elsewhere")
    assert given_search.table(config) == measure(config) == finished.table
    assert train(config) == finished.folder("train") / "supernet.safetensors"
    with pytest.raises(LutraError, match=r"the supernet of .* is not in the same folder"):
        train(Config(run=str(search_folder)))


@pytest.mark.parametrize("ignore", [[], ["cpu"]])
def test_a_table_that_cannot_be_used_is_told(
    ignore: list[str],
    finished: Finished,
    search_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One of another device is never used, also where `ignore` lets a table that is typed pass."""
    assert given_search.table(Config(run=str(search_folder))) is None
    passport = passport_of(Config().device) | {"cpu": "another"}
    monkeypatch.setattr("experiments.setup.given_table.passport_of", lambda device: passport)
    assert given_search.table(Config(run=str(finished.folder("search")), ignore=ignore)) is None
    told = " ".join(capsys.readouterr().out.split())
    assert "is not used: the step that measured it is not in the search's folder `runs`." in told
    assert "is not used: the table is for another device or space: cpu" in told


def test_a_damaged_supernet_is_refused(finished: Finished, tmp_path: Path) -> None:
    runs = copy_steps(finished, tmp_path, "measure", "train", "search")
    (file,) = runs.glob("train/*/supernet.safetensors")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(LutraError, match=re.escape(str(file))):
        train(Config(run=str(runs / "search" / finished.folder("search").name)))
