"""Tests that a raised version of a choice is in the keys of its steps alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from experiments.store import versions
from experiments.store.step import Step, as_json, choices
from tests.experiments.asking import changed
from tests.experiments.requested_steps import name_of


def test_a_raised_version_of_a_choice_is_in_the_keys_of_its_steps_alone(
    steps: Mapping[str, Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    raised = {"TrainConfig.rule=fair": 2, "StrategyConfig.name=darts": 3, "Recipe.muon": 4, "Stage.stage=lowrank": 5}
    tried = [*steps.values()]
    for name, key, value in [("train", "train.rule", "fair"), ("retrain", "retrain.muon", 0.1)]:
        tried.append(dataclasses.replace(steps[name], settings=changed(steps[name].settings, key, value)))
    monkeypatch.setattr(versions, "CHOICES", {})
    usual = [step.settings_key for step in tried]
    monkeypatch.setattr(versions, "CHOICES", raised)
    added = [{**step.settings_key, "of": name_of(step)} for step in tried if step.settings_key not in usual]
    assert [(key["of"], key["choice_versions"]) for key in added] == [
        ("lowrank", {"Stage.stage=lowrank": 5}),
        ("compare", {"StrategyConfig.name=darts": 3}),
        ("train", {"TrainConfig.rule=fair": 2}),
        ("retrain", {"Recipe.muon": 4}),
    ]
    assert all(step.settings_key.items() >= key.items() for step, key in zip(tried, usual))


def test_every_choice_with_a_version_is_one_of_a_step(steps: Mapping[str, Step]) -> None:
    fields = {one.partition("=")[0] for step in steps.values() for one in choices(step.settings)}
    assert {one.partition("=")[0] for one in versions.CHOICES} <= fields


def test_the_fair_rule_of_today_is_not_that_of_older_keys(steps: Mapping[str, Step]) -> None:
    train = steps["train"]
    fair = dataclasses.replace(train, settings=changed(train.settings, "train.rule", "fair"))
    assert as_json(fair.settings) != fair.settings_key
    assert as_json(train.settings) == train.settings_key
