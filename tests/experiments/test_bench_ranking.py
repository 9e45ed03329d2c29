"""Tests what the benchmark of supernets' rankings claims, on made-up correlations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from experiments.bench import ranking as bench
from experiments.bench.ranking import ABOVE_MEDIAN, OF_ANOTHER, claims
from experiments.comparison.ranking_correlations import PREDICTORS
from paper.ranking_rows import ANOTHER, OTHERS, RankTau


def taus(supernet: float, others: float, another: float | None, spread: float = 0.05) -> list[RankTau]:
    """Correlations, and differences to the supernet, whose intervals are twice as wide."""
    values = dict.fromkeys(PREDICTORS, others) | {"supernet": supernet}
    groups = {"all": values, "above median": values}
    groups |= {} if another is None else {OTHERS: {**values, ANOTHER: another}}
    return [
        RankTau(
            *(name, among, 24, tau, tau - spread, tau + spread, tau, tau - spread, tau + spread),
            *(() if name == "supernet" else (supernet - tau, supernet - tau - 2 * spread, supernet - tau + 2 * spread)),
        )
        for among, own in groups.items()
        for name, tau in own.items()
    ]


def test_a_supernet_that_ranks_as_another_training_does_is_enough() -> None:
    """Even if MACs would rank as well."""
    ahead, agreement = claims({"ours": taus(0.6, 0.6, 0.6), "other": taus(0.4, 0.6, 0.6)}, False)
    assert ahead["value"] == pytest.approx(0.2)
    assert (agreement["value"], agreement["bar"], agreement["holds"]) == (1, OF_ANOTHER, True)
    assert not agreement["better_than_all_without_training"]


@pytest.mark.parametrize(("others", "holds"), [(0.1, True), (0.45, False)])
def test_below_that_it_must_certainly_beat_every_predictor_without_training(others: float, holds: bool) -> None:
    found = {"ours": taus(0.5, others, 0.9), "other": taus(0.5, others, 0.9)}
    assert [one["holds"] for one in claims(found, False)] == [False, holds]
    doubtful = [replace(one, difference_low=-0.1) if one.predictor == "MACs" else one for one in found["ours"]]
    assert not claims({**found, "ours": doubtful}, False)[1]["holds"]


@pytest.mark.parametrize("another", [0.0, 0.04, -0.3])
def test_nothing_is_claimed_of_trainings_that_do_not_agree(another: float) -> None:
    found = {"ours": taus(0.5, 0.1, another), "other": taus(0.5, 0.1, another)}
    assert not claims(found, False)[1]["holds"]


def test_one_training_of_each_network_tells_nothing_of_agreement() -> None:
    assert len(claims({"ours": taus(0.5, 0.1, None), "other": taus(0.5, 0.1, None)}, False)) == 1


def test_published_accuracies_are_judged_above_their_median() -> None:
    ahead, upper = claims({"ours": taus(0.9, 0.1, None), "other": taus(0.7, 0.1, None)}, True)
    assert (ahead["holds"], upper["holds"], upper["bar"]) == (True, True, ABOVE_MEDIAN)


def test_a_key_that_is_given_counts_for_both_supernets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Although the rules have lengths of their own."""
    asked: list[list[str]] = []
    monkeypatch.setattr(bench, "published", lambda *arguments: "images")
    monkeypatch.setattr(bench, "ranked", lambda command: asked.append([*command]) or [])
    monkeypatch.setattr(bench, "claims", lambda *arguments: [])
    bench.main([f"runs={tmp_path / 'runs'}"])
    bench.main([f"runs={tmp_path / 'runs'}", "train.steps=200"])
    lengths = [[one for one in command if one.startswith("train.steps=")] for command in asked]
    assert lengths == [[], ["train.steps=3000"], ["train.steps=200"], ["train.steps=3000", "train.steps=200"]]
