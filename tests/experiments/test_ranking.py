"""Tests rank correlations, the score without training, and the command on small data."""

from __future__ import annotations

import csv
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau, spearmanr

from experiments.config import choices
from experiments.store import artefacts
from experiments.studies.ranking import PREDICTORS, RESAMPLES, correlations, ranking
from paper import ranking as sentences
from paper.build import OPTIONAL
from paper.ranking_rows import ANOTHER, Ranked, RankTau
from paper.rows import read
from predictors.costs import layer_costs
from predictors.metrics.rank_correlation import _weighted, rank_correlation
from predictors.models.naswot import naswot
from predictors.tables.table_file import read_table
from search_spaces.layers import Head, Stem
from search_spaces.networks.network import Network
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


# Rank correlation


def test_the_same_order_is_one_and_the_opposite_minus_one() -> None:
    truth = np.random.default_rng(0).random(30)
    same, opposite = rank_correlation(truth**3, truth, 200, 0), rank_correlation(-truth, truth, 200, 0)
    assert (same.tau, same.tau_low, same.tau_high, same.rho) == pytest.approx((1, 1, 1, 1))
    assert (opposite.tau, opposite.rho) == pytest.approx((-1, -1))


def test_ties_and_resamples_are_as_scipy_has_them() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 8, 20), rng.integers(0, 5, 20)
    draw = rng.integers(0, 20, 20)
    times = np.stack([np.ones(20), np.bincount(draw, minlength=20)])
    plain, drawn = _weighted(times, x, y)
    for found, (a, b) in ((plain, (x, y)), (drawn, (x[draw], y[draw]))):
        assert found == pytest.approx([kendalltau(a, b).statistic, spearmanr(a, b).statistic], rel=1e-5)


def test_one_swapped_pair_by_hand() -> None:
    found = rank_correlation(np.array([1.0, 2, 4, 3]), np.array([1.0, 2, 3, 4]), 10, 0)
    assert found.tau == pytest.approx(4 / 6)  # five pairs of six agree
    assert found.rho == pytest.approx(1 - 6 * 2 / (4 * 15))


def test_a_constant_orders_nothing() -> None:
    found = rank_correlation(np.ones(8), np.arange(8.0), 50, 0)
    assert (found.tau, found.tau_low, found.tau_high, found.rho) == (0, 0, 0, 0)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """For pairs of normal numbers with correlation r, tau is 2 asin(r) / pi."""
    rng, r = np.random.default_rng(0), 0.7
    held = 0
    for seed in range(40):
        x, noise = rng.standard_normal((2, 60))
        found = rank_correlation(x, r * x + np.sqrt(1 - r**2) * noise, 100, seed)
        held += found.tau_low <= 2 * np.arcsin(r) / np.pi <= found.tau_high
    assert 33 <= held <= 40


def test_the_better_half_is_judged_on_its_own() -> None:
    """The number of parameters orders all networks but the best ones, which it orders in reverse."""
    size = [1, 2, 3, 4, 8, 7, 6, 5]
    networks = [Ranked(str(i), i / 10, i / 20, 1.0, float(p), -1.0 * i) for i, p in enumerate(size)]
    taus = {(one.among, one.predictor): one for one in correlations(networks, 0)}
    assert set(taus) == {*product(("all", "above median"), PREDICTORS)}
    assert taus["above median", "parameters"].tau == pytest.approx(-1)
    assert taus["above median", "parameters"].networks == 4
    assert taus["all", "parameters"].tau == pytest.approx((22 - 6) / 28)
    assert taus["all", "supernet"].tau == pytest.approx(1)
    assert taus["all", "MACs"].tau == 0


# NASWOT


def test_naswot_by_hand() -> None:
    """The score is computed from the codes, compared in pairs."""
    network = Network([Stem(1, 4, 1, 8), Head(4, 8, 2, 8)])
    images = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    units = 4 * 64 + 8 * 64
    codes: list[torch.Tensor] = []
    for layer in network.layers:
        layer.convs[0].activation.register_forward_hook(lambda module, inputs, out: codes.append((out > 0).flatten(1)))
    score = naswot(network, images)
    code = torch.cat(codes, 1)
    kernel = (code[:, None] == code[None]).sum(2).double()
    assert kernel.diagonal().tolist() == [units] * 3
    assert score == pytest.approx(float(torch.logdet(kernel)))


def test_naswot_leaves_no_hooks_and_sees_equal_images() -> None:
    network = Network(SPACE.decode(SPACE.largest))
    image = torch.randn(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    assert naswot(network, image.expand(4, -1, -1, -1)) == -np.inf
    assert not any(module._forward_hooks for module in network.modules())


# The command


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
    networks, taus = read(twice, Ranked), {one.predictor: one for one in read(twice, RankTau)}
    assert [network.first for network in networks] == [network.alone for network in read(once, Ranked)]
    assert all(2 * network.alone == pytest.approx(network.first + network.others) for network in networks)
    first, others = np.array([(network.first, network.others) for network in networks], float).T
    assert taus.pop(ANOTHER).tau == pytest.approx(rank_correlation(others, first, RESAMPLES, 0).tau)
    assert set(taus) == {*PREDICTORS} == {one.predictor for one in read(once, RankTau)}
    said = sentences.sentence(read(twice, RankTau))
    assert "different seeds" in said
    assert "different seeds" not in sentences.sentence(read(once, RankTau))


def test_a_band_has_only_networks_of_about_the_target(here: Here, finished: Finished, tmp_path: Path) -> None:
    """By the latency table; a band that nothing fits is one line."""
    asked = (f"runs={tmp_path}", "experiment=smoke", *TINY, f"table={finished.table}", "objective.target_fraction=1")
    results = tmp_path / "results"
    done = here(ranking, *asked, "ranking.networks=4", "ranking.band=0.3", "publish=true", f"results={results}")
    assert (done.code, done.err) == (0, "")
    assert r"4 networks whose latencies are within 30\,\% of the target" in sentences.macros(results)["RankingSentence"]
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
    assert "leave ranking.band" in here(ranking, f"runs={tmp_path}", f"ranking.csv={path}", "ranking.seeds=2").err
