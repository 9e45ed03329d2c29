"""Tests the benchmark `engine` in its smallest setting, and what it claims."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from experiments.bench import _step_speed, engine
from experiments.bench._step_speed import OFA, OURS, PLAIN
from search_spaces.errors import LutraError
from search_spaces.spaces.tiny import tiny


def test_a_process_measures_networks_and_supernets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("BATCH", 2), ("PIXELS", 16), ("STEPS", 1), ("SIDE", 8), ("SPACES", {"edge": tiny})):
        monkeypatch.setattr(engine, name, value)
    monkeypatch.setattr(_step_speed, "WARM", 0)
    engine.main(["space=edge", "compiled=false", "threads=1", "precision=fp32"])
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [(row["what"], row["contender"]) for row in found] == [
        (f"edge's {what}", name) for what in ("reference", "supernet") for name in (OURS, PLAIN)
    ]
    assert all(row["images_per_s"] > 0 for row in found)
    assert all((row["share_of_peak"] != "") == (row["what"] == "edge's reference") for row in found)


def rows(ours: float, share: float, others: Sequence[str] = (PLAIN, OFA)) -> list[dict[str, object]]:
    return [
        {
            **{"threads": threads, "precision": precision, "what": "edge's reference", "contender": name},
            **{"images_per_s": ours if name == OURS else 100.0, "share_of_peak": share if name == OURS else 0.1},
        }
        for threads in engine.THREADS
        for precision in engine.PRECISIONS
        for name in (OURS, *others)
    ]


def test_bars_are_for_two_threads_and_bfloat16() -> None:
    for ours, share, expected in ((140.0, 0.35, [True, True]), (120.0, 0.25, [False, False])):
        claims = engine.claims(rows(ours, share))
        assert len(claims) == 4 * 3
        assert [one["holds"] for one in claims if "bar" in one] == expected
        assert all("2 thread(s), bf16" in str(one["what"]) for one in claims if "bar" in one)


def test_an_unknown_space_is_an_error() -> None:
    with pytest.raises(LutraError, match="edges"):
        engine.main(["space=edges"])
