"""Tests how the promises of the demo are counted."""

from __future__ import annotations

import json

from experiments.bench import demo as bench


def test_the_demo_s_promises_are_counted() -> None:
    good = {
        f"{name}_{what}": 1.0
        for name in ("reference", "winner", "finetuned", "deployed")
        for what in ("accuracy", "ms")
    }
    good |= {"winner_ms": 0.5, "finetuned_ms": 0.4, "deployed_ms": 0.4}
    assert bench.kept(good) == {"not_slower": True, "accurate": True, "better": True}
    assert not bench.kept(good | {"deployed_ms": 0.41})["not_slower"]
    assert not bench.kept(good | {"deployed_accuracy": 0.9899})["accurate"]
    assert not bench.kept(good | {"winner_accuracy": 0.99})["better"]
    assert not bench.kept(good | {"winner_ms": 1.0})["better"]
    rows = [{"seconds": 100.0 + seed, **bench.kept(good)} for seed in range(10)]
    rows[3] |= {"better": False}
    assert all(claim["holds"] for claim in bench.claims(rows))
    rows[4] |= {"better": False, "seconds": 1000.0}
    assert [claim["holds"] for claim in bench.claims(rows)] == [True, True, False, True]
    assert json.loads(json.dumps(bench.claims(rows)))[-1]["value"] == 105.5
