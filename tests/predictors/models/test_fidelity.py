"""Tests predictions for fresh networks, and the command that times these."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest

from experiments.comparison.fresh_networks import fresh_archs
from experiments.comparison.learning_curves import read_points
from experiments.studies.fidelity import fidelity, predictions
from paper.figures import fidelity as figure
from paper.rows import Fresh
from predictors.models.learned import LEARNERS
from predictors.timing.blocks import computing
from search_spaces.errors import LutraError
from search_spaces.spaces.tiny import tiny
from tests.commands import Finished, Here, copy_steps
from tests.predictors.tables.synthetic_table import synthetic_table, true_seconds


def test_fresh_networks_are_new_and_distinct() -> None:
    space = tiny(1, 16, 10)
    known = {space.sample(Random(seed)) for seed in range(50)}
    archs = fresh_archs(space, known, 60, 0)
    assert len({*archs}) == 60
    assert not known & {*archs}
    assert archs == fresh_archs(space, known, 60, 0) != fresh_archs(space, known, 60, 1)
    with pytest.raises(LutraError, match=r"too few for .* fidelity\.networks="):
        fresh_archs(space, known, space.size, 0)


def test_on_a_board_without_noise_the_corrected_table_is_exact() -> None:
    table, space = synthetic_table(), tiny(1, 16, 10)
    archs = fresh_archs(space, {row.arch for row in table.networks}, 20, 0)
    row = table.networks[0]
    speed = row.measured / true_seconds(computing(space.decode(row.arch)))
    truth = np.array([speed * true_seconds(computing(space.decode(arch))) for arch in archs])
    found = {name: (count, predicted) for name, count, predicted in predictions(table, space, "fp32", archs)}
    assert found["corrected table"][1] == pytest.approx(truth, rel=1e-6)
    assert {count for name, (count, _) in found.items() if name != "sum of blocks in context"} == {8}
    assert {*LEARNERS, "MACs", "sum of blocks in context", "corrected table"} == {*found}
    assert all((predicted > 0).all() for _, predicted in found.values())


def test_the_figure_has_a_panel_for_each_precision() -> None:
    predictors = ("corrected table", "sum of blocks alone", "MACs", "ridge")
    networks = [Fresh(p, name, 1e-3 * n, 1.1e-3 * n) for p in ("fp32", "int8") for name in predictors for n in (1, 2)]
    panels = figure.plot(networks).axes
    assert [axes.get_ylabel() for axes in panels] == ["predicted, fp32 (ms)", "predicted, INT8 (ms)"]
    assert all(len(drawn.get_offsets()) == 2 for axes in panels for drawn in axes.collections[:3])


def test_the_command_times_fresh_networks(finished: Finished, here: Here, tmp_path: Path) -> None:
    """A smoke test: so short a measurement has no meaning."""
    copy_steps(finished, tmp_path, "measure")
    done = here(fidelity, *finished.arguments, f"runs={tmp_path}", "fidelity.networks=3")
    assert done.code == 0, done.err
    (folder,) = tmp_path.glob("fidelity/tiny-local-*")
    assert done.out.count("of these 3") == 2
    found = read_points(folder / "fidelity.csv")
    expected = {"re-test", "sum of blocks alone", "sum of blocks in context", "corrected table", "MACs", *LEARNERS}
    assert {(one.data, one.predictor) for one in found} == {(p, name) for p in ("fp32", "int8") for name in expected}
    assert all(one.held_out == 3 for one in found)
    assert {"fresh.csv", "fidelity.pdf", "fidelity.png", "manifest.json"} <= {path.name for path in folder.iterdir()}
