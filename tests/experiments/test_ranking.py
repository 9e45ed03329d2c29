"""Tests the command that ranks networks by a supernet, on small data."""

from __future__ import annotations

import csv
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from experiments.comparison.ranking_correlations import PREDICTORS, RESAMPLES
from experiments.config import choices
from experiments.store import artefacts
from experiments.studies.ranking import ranking
from paper import ranking as sentences
from paper.build import OPTIONAL
from paper.ranking_rows import ANOTHER, OTHERS, Ranked, RankTau
from paper.rows import read
from predictors.costs import layer_costs
from predictors.metrics.rank_correlation import rank_correlation
from predictors.tables.table_file import read_table
from search_spaces.spaces.tiny import tiny
from tests.commands import Finished, Here
from tests.networks import smallest_space

SPACE = smallest_space(1, 16, 10)
TINY = (
    "threads=1",
    "train.steps=4",
    "train.batch=16",
    "retrain.steps=2",
    "retrain.batch=16",
    "search.calibration=32",
    "search.validation=64",
)
Run = Callable[..., Path]


@pytest.fixture
def run(here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in this process on a small space; returns the folder that it prints last."""
    monkeypatch.setitem(choices.SPACES, "tiny", smallest_space)

    def ranked(*arguments: str, runs: str = "runs") -> Path:
        done = here(ranking, f"runs={tmp_path / runs}", *TINY, *arguments)
        assert (done.code, done.err) == (0, "")
        return Path(done.out.strip().splitlines()[-1])

    return ranked


def test_networks_trained_alone_are_ranked_and_published(run: Run, tmp_path: Path) -> None:
    results = tmp_path / "results"
    made = run("ranking.networks=4", "publish=true", f"results={results}")
    networks, taus = read(results, Ranked), read(results, RankTau)
    assert len({network.arch for network in networks}) == 4
    assert [(one.among, one.predictor) for one in taus] == [("all", name) for name in PREDICTORS]
    inherited, alone = np.array([(network.inherited, network.alone) for network in networks]).T
    again = rank_correlation(inherited, alone, RESAMPLES, 0)
    assert (taus[0].tau, taus[0].tau_low, taus[0].rho_high) == pytest.approx((again.tau, again.tau_low, again.rho_high))
    assert (made / "ranking.pdf").exists()
    OPTIONAL["ranking"][1](results).savefig(tmp_path / "ranking.png")
    assert "4 networks" in sentences.macros(results)["RankingSentence"]

    trained = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/retrain/*/network.safetensors")}
    assert read(run("ranking.networks=5"), Ranked)[:4] == networks
    assert len(trained) == 4
    assert len(list(tmp_path.glob("runs/retrain/*"))) == 5
    assert all(path.stat().st_mtime_ns == then for path, then in trained.items())


def test_two_trainings_of_each_network_tell_how_well_they_agree(run: Run) -> None:
    """The truth is their mean; the first training is the one that a single seed would have had."""
    once, twice = run("ranking.networks=4"), run("ranking.networks=4", "ranking.seeds=2")
    networks, taus = read(twice, Ranked), {one.predictor: one for one in read(twice, RankTau) if one.among == OTHERS}
    assert [network.first for network in networks] == [network.alone for network in read(once, Ranked)]
    assert all(2 * network.alone == pytest.approx(network.first + network.others) for network in networks)
    first, others = np.array([(network.first, network.others) for network in networks], float).T
    assert taus.pop(ANOTHER).tau == pytest.approx(rank_correlation(others, first, RESAMPLES, 0).tau)
    inherited = np.array([network.inherited for network in networks])
    assert taus["supernet"].tau == pytest.approx(rank_correlation(inherited, others, RESAMPLES, 0).tau)
    assert set(taus) == {*PREDICTORS} == {one.predictor for one in read(once, RankTau)}
    said = sentences.sentence(read(twice, RankTau))
    assert "of the same networks with different seeds" in said
    assert "different seeds" not in sentences.sentence(read(once, RankTau))


def test_the_trainings_of_a_ranking_can_be_shorter_than_those_of_the_chosen_networks(run: Run, tmp_path: Path) -> None:
    """They are those of a shorter recipe, and the paper says how short."""
    results = tmp_path / "results"
    short = run("ranking.networks=4", "ranking.passes=0.05", "publish=true", f"results={results}")
    assert read(run("ranking.networks=4", "retrain.passes=0.05"), Ranked) == read(short, Ranked)
    assert read(run("ranking.networks=4"), Ranked) != read(short, Ranked)
    assert "separate training for 0.0" in sentences.macros(results)["RankingSentence"]


def test_a_band_has_only_networks_of_about_the_target(here: Here, finished: Finished, tmp_path: Path) -> None:
    """By the latency table; a band that nothing fits is one line."""
    asked = (f"runs={tmp_path}", "experiment=smoke", *TINY, f"table={finished.table}", "objective.target_fraction=1")
    results = tmp_path / "results"
    done = here(ranking, *asked, "ranking.networks=4", "ranking.band=0.3", "publish=true", f"results={results}")
    assert (done.code, done.err) == (0, "")
    said = sentences.macros(results)["RankingSentence"]
    assert r" in INT8, are within 30\,\% of" in said
    assert "4 networks whose latencies, predicted for " in said
    table = read_table(finished.table)
    space = tiny(1, 16, 10)
    latency = layer_costs(["latency"], space, "int8", table)["latency"]
    reference = {row.precision: row.measured for row in table.networks if row.arch == space.reference}["int8"]
    for network in read(Path(done.out.strip().splitlines()[-1]), Ranked):
        assert latency(tuple(map(int, network.arch.split("-")))) == pytest.approx(reference, rel=0.3)
    refused = here(ranking, *asked, "ranking.band=1e-9").err
    assert refused.startswith("error: only 0 of")
    assert "ranking.band" in refused


def published(folder: Path) -> Path:
    """Writes accuracies for every network of the small space: one digit for each searched layer."""
    path = folder / "published.csv"
    picks = product(*(range(count) for count in SPACE.options if count > 1))
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("arch", "mean_acc"), *(("".join(map(str, p)), 50 + n % 37) for n, p in enumerate(picks))])
    return path


def test_published_accuracies_are_the_truth(run: Run, tmp_path: Path) -> None:
    """It ranks a seeded sample of the file; the number of processes does not change the result."""
    path = published(tmp_path)
    asked = ("ranking.networks=6", f"ranking.csv={path}")
    found = read(run(*asked), Ranked)
    truth: dict[str, list[float]] = {}
    with path.open() as file:
        for record in csv.DictReader(file):
            arch = SPACE.canonical((0, *map(int, record["arch"]), 0))
            truth.setdefault(artefacts.arch_name(arch), []).append(float(record["mean_acc"]) / 100)
    for network in found:
        assert network.alone == pytest.approx(np.mean(truth[network.arch]))
    (supernet,) = tmp_path.glob("runs/train/*/supernet.safetensors")
    spread = ("search.jobs=2", "search.backend=threading", f"ranking.supernet={supernet}")
    assert read(run(*asked, *spread, runs="other"), Ranked) == found
    assert len(found) == 6
    assert not (tmp_path / "other" / "train").exists()


def test_a_file_of_another_space_is_one_line(here: Here, tmp_path: Path) -> None:
    path = published(tmp_path)
    said = here(ranking, f"runs={tmp_path}", f"ranking.csv={path}", "space=nasbench_macro").err
    assert said.startswith(f"error: {path} has 3 layers")
    assert said.strip().endswith("needs space=nasbench_macro")
    assert said.count("\n") == 1
    assert "ranking.seeds=1" in here(ranking, f"runs={tmp_path}", f"ranking.csv={path}", "ranking.seeds=2").err
