"""Tests that a command which only looks finds finished steps and makes none."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.store import artefacts
from experiments.store.looking import NotMade, looking


def made(runs: Path, seed: int, again: bool = False) -> Path:
    def work(folder: Path) -> None:
        artefacts.write(folder / "result.txt", str(seed))

    return artefacts.step(runs, "train", "net", {"seed": seed}, {}, work, lambda folder: again)


def test_a_finished_step_is_found_and_no_other_is_made(tmp_path: Path) -> None:
    folder = made(tmp_path, 0)
    before = sorted(tmp_path.rglob("*"))
    with looking():
        assert made(tmp_path, 0) == folder
        assert made(tmp_path, 0, again=True) == folder  # a noisy table is not measured on
        with pytest.raises(NotMade):
            made(tmp_path, 1)
    assert sorted(tmp_path.rglob("*")) == before
    assert made(tmp_path, 1) != folder
