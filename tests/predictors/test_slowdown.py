"""Tests how the slowdown between two sessions is estimated: one model for each precision."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from experiments.setup.session_record import Session, read_rows, write_rows
from paper.compression_rows import Stage
from predictors.timing.slowdown import Slowdown, slowdown, slowdowns
from predictors.timing.values import Value

THEN = np.array([1e-3, 2e-3, 3e-3, 5e-3])


def test_each_precision_has_its_own_slowdown() -> None:
    """fp32 takes 1.2 times as long plus 1 ms; INT8 is unchanged."""
    then = {p: {f"{p}/{n}": float(seconds) for n, seconds in enumerate(THEN)} for p in ("fp32", "int8")}
    now = {name: 1.2 * s + 1e-3 if "fp32" in name else s for known in then.values() for name, s in known.items()}
    found = slowdowns({name: Value(seconds, seconds, seconds) for name, seconds in now.items()}, then)
    assert found["int8"] == Slowdown()
    assert found["fp32"].now(np.array([4e-3])) == pytest.approx([5.8e-3])
    assert found["fp32"].then(np.array([2.2e-3, 7e-3])) == pytest.approx([1e-3, 5e-3])


@pytest.mark.parametrize("odd", range(5))
def test_one_odd_network_moves_nothing(odd: int) -> None:
    then = np.array([*THEN, 8e-3])
    now = 1.1 * then
    now[odd] *= 3
    found = slowdown(then, now)
    assert (found.ratio, found.factor, found.intercept) == pytest.approx((1.1, 1.1, 0), abs=1e-9)


def test_noise_alone_makes_no_line_that_extrapolates_wildly() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        found = slowdown(THEN, 1.05 * THEN * np.exp(0.01 * rng.standard_normal(4)))
        assert found.now(2e-2) == pytest.approx(2.1e-2, rel=0.1)


def test_few_networks_have_a_factor_alone() -> None:
    assert slowdown([1e-3], [2e-3]) == Slowdown(2.0, 0.0, 2.0)
    assert slowdown([1e-3, 1e-3], [2e-3, 2e-3]) == Slowdown(2.0, 0.0, 2.0)


def test_the_record_keeps_and_tells_both_precisions_and_the_verdict(tmp_path) -> None:
    texts = {"stage": "int8", "precision": "int8", "parent": "", "sha256": "ab"}
    row = Stage(**{field.name: texts.get(field.name, 1) for field in fields(Stage)})
    session = Session({"fp32": Slowdown(1.1, 0.0, 1.1), "int8": Slowdown(0.98, 0.0, 0.98)}, "noisy", ["a bus passed"])
    write_rows(tmp_path, [row], session, 0.0)
    assert read_rows(tmp_path) == ([row], session)
    verdict, change = session.lines()
    assert verdict == "The benchmark's session was noisy: a bus passed"
    assert "10.0% longer in fp32 and 2.0% less in int8" in change
    assert Session({}, "clean", ["all 3 files are known within 2 %"]).lines() == [
        "The benchmark's session was clean: all 3 files are known within 2 %"
    ]
