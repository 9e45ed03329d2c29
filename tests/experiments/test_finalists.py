"""Tests the trainings of a search's finalists, and that the most accurate one after training alone wins."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.config import Config, DataConfig, SearchConfig
from experiments.setup.images import placed
from experiments.setup.recipes import of_finalists
from experiments.steps.compress import folder_of_search
from experiments.steps.plan import search
from experiments.store import artefacts
from experiments.store.step_index import index
from experiments.store.weights import load_network
from experiments.store.winner import WINNER, read_winner
from paper.candidate_rows import Candidate as Row
from paper.candidate_rows import winner_of
from paper.rows import read
from search_spaces import documents
from search_spaces.errors import LutraError
from search_spaces.networks.evaluation import accuracy, predict
from tests.commands import Finished, Here, copy_steps

ASKED = ("search.finalists=3", "search.finalist_passes=0.5")


def test_finalists_never_learn_the_images_that_judge_them() -> None:
    """Also where the winner is trained on validation images too."""
    config = Config(search=SearchConfig(finalists=2), retrain=replace(Config().retrain, all_images=True))
    assert not of_finalists(config).retrain.all_images


def test_a_single_finalist_is_not_trained(here: Here, finished: Finished) -> None:
    done = here(search, *finished.arguments, f"runs={finished.runs}", "search.finalists=1")
    assert done.out.strip().splitlines()[-1] == str(finished.folder("search"))


@pytest.fixture
def runs(finished: Finished, tmp_path: Path) -> Path:
    return copy_steps(finished, tmp_path / "runs", "measure", "train")


def searched(here: Here, finished: Finished, runs: Path, *asked: str) -> Path:
    """The folder of a search with finalists."""
    done = here(search, *finished.arguments, *ASKED, f"runs={runs}", *asked)
    assert (done.code, done.err) == (0, "")
    assert "after a short training, best of" in done.out
    return Path(done.out.strip().splitlines()[-1])


def test_finalists_are_trained_as_every_network_is_and_judged_by_validation_images(
    here: Here, finished: Finished, runs: Path
) -> None:
    """The supernet finds the same candidates as without finalists. What is lost is made again, and is the same."""
    folder = searched(here, finished, runs)
    rows = read(folder, Row)
    trained = {one.arch: one.trained_accuracy for one in rows if one.trained_accuracy is not None}
    assert 1 <= len(trained) <= 3
    before = read(finished.folder("search"), Row)
    assert [(one.arch, one.accuracy) for one in rows] == [(one.arch, one.accuracy) for one in before]
    winner = winner_of(rows)
    assert winner.trained_accuracy == winner.trained_score == max(trained.values())
    assert artefacts.arch_name(read_winner(folder).arch) == winner.arch
    steps = {artefacts.arch_name(record["config"]["arch"]): path for path, record in alone(runs)}
    assert {*steps} == {*trained}
    made = artefacts.manifest(folder)["config"]
    assert made["search"]["finalists"] == 3
    steps_of_winner = index(runs)
    came_from = steps_of_winner.ancestors({"search": artefacts.sha256(folder / artefacts.MANIFEST)})
    assert {*steps.values()} < {steps_of_winner.folders[key] for key, _ in came_from}
    data = placed(DataConfig(), "cpu")
    images, labels = data.fixed(data.validation, 64, 0)
    for arch, path in steps.items():
        found = accuracy(predict(load_network(path / "network.safetensors"), images), labels)
        assert found == pytest.approx(trained[arch])

    text = (folder / "candidates.csv").read_bytes()
    for path in (folder, next(iter(steps.values()))):
        shutil.rmtree(path)
    assert (searched(here, finished, runs) / "candidates.csv").read_bytes() == text
    assert len([*runs.glob("search/*")]) == 1
    other = searched(here, finished, runs, "search.finalists=2")  # evaluates no candidate again
    assert other != folder
    assert len([*runs.glob("search/*")]) == 1
    plain = here(search, *finished.arguments, f"runs={runs}").out.strip().splitlines()[-1]
    known = index(runs)
    of_plain = known.ancestors({"search": artefacts.sha256(Path(plain) / artefacts.MANIFEST)})
    whole = known.ancestors({"search": artefacts.sha256(folder / artefacts.MANIFEST)})
    assert {known.records[key]["step"] for key, _ in of_plain} == {"search", "train", "measure"}
    assert other not in {known.folders[key] for key, _ in whole}  # although it may have made equal files


@pytest.mark.parametrize("lost", ["search", "retrain"])
def test_a_search_with_finalists_is_given_with_all_that_it_was_made_from(
    lost: str, here: Here, finished: Finished, runs: Path
) -> None:
    folder = searched(here, finished, runs)
    shutil.rmtree(next(runs.glob(f"{lost}/*")))
    done = here(search, *finished.arguments, f"runs={runs}", f"run={folder}")
    assert (done.code, done.out) == (2, "")
    assert f"{'the search' if lost == 'search' else 'the training of finalist'}" in done.err
    assert "which is not in the same folder `runs`" in done.err


def test_a_training_that_is_too_long_is_refused_before_the_search(here: Here, finished: Finished) -> None:
    asked = ("search.finalists=2", "search.finalist_passes=1000000", "retrain.batch=2", "seed=8")
    done = here(search, *finished.arguments, *asked, f"runs={finished.runs}")
    assert done.err.startswith("error: search.finalist_passes=1e+06 over 1,151 images are 575,500,000 steps")


def alone(runs: Path) -> list[tuple[Path, dict]]:
    return [(path, artefacts.manifest(path)) for path in runs.glob("retrain/finalist-*")]


def test_a_search_with_finalists_is_given_only_with_the_winner_that_they_prove(
    here: Here, finished: Finished, runs: Path
) -> None:
    folder = searched(here, finished, runs)
    config = Config(run=str(folder))
    assert folder_of_search(config) == folder
    path, winner = folder / "candidates.csv", artefacts.arch_name(read_winner(folder).arch)
    rows = list(csv.DictReader(path.open(newline="")))
    next(row for row in rows if row["arch"] != winner)["trained_score"] = "1.0"
    artefacts.write_csv(path, rows)
    record = documents.read_sealed(folder / "manifest.json")
    record["outputs"][path.name] = artefacts.sha256(path)
    (folder / "manifest.json").write_text(documents.sealed(record))
    with pytest.raises(LutraError, match=f"{WINNER} is not the best"):
        folder_of_search(replace(config, seed=1))
