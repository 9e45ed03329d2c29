"""Tests which widths of other pruning rules are compared with ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.config import Config
from experiments.config.compression import CompressConfig, QuantizeConfig
from experiments.studies import pruning_rules
from experiments.studies.pruning_rules import KEEPS, baselines, keeps
from search_spaces.errors import LutraError

ALL_INT8 = replace(Config(), compress=CompressConfig(quantize=QuantizeConfig(float_layers="none")))


def timing(monkeypatch: pytest.MonkeyPatch, depgraph: Mapping[float, float], uniform: Mapping[float, float]) -> None:
    """Sets the seconds of each rule's files, by the fraction of channels kept; ours takes 1 second."""
    seconds = {f"depgraph {keep}": depgraph[keep] for keep in KEEPS}
    seconds |= {f"uniform {keep}": uniform[keep] for keep in KEEPS}
    monkeypatch.setattr(pruning_rules, "timed", lambda config, files: {"device": 1.0, **seconds})
    monkeypatch.setattr(pruning_rules, "pruned", lambda *rule: Path())


def test_only_rules_that_the_runtime_can_deploy_are_compared() -> None:
    assert baselines(Config()) == ["depgraph", "uniform"]
    assert baselines(replace(Config(), device=replace(Config().device, library="litert"))) == ["uniform"]


def test_a_rule_is_compared_at_the_nearest_latency_that_is_not_below_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Latency does not always grow with the width."""
    uneven = dict.fromkeys(KEEPS, 2.0) | {KEEPS[0]: 0.9, KEEPS[1]: 1.5, KEEPS[5]: 1.1}
    timing(monkeypatch, uneven, {keep: 2 * keep for keep in KEEPS})
    assert keeps(ALL_INT8) == {"depgraph": KEEPS[5], "uniform": 0.5}


@pytest.mark.parametrize(("seconds", "word"), [(0.5, "faster"), (1.5, "slower")])
def test_a_rule_that_cannot_be_as_fast_is_left_out(
    seconds: float, word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    never = dict.fromkeys(KEEPS, seconds)
    timing(monkeypatch, never, {keep: 2 * keep for keep in KEEPS})
    assert keeps(ALL_INT8) == {"uniform": 0.5}
    shown = capsys.readouterr()
    assert f"it is always {word}" in " ".join((shown.out + shown.err).split())
    timing(monkeypatch, never, never)
    with pytest.raises(LutraError, match=f"always {word}.*compress.prune.saved"):
        keeps(ALL_INT8)
