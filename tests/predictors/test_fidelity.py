"""Tests predictors trained on whole networks: exact cases, measures of agreement, and the command on small files."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from experiments.bench.fidelity_published import alike
from experiments.comparison.learning_curves import median, points, read_points
from experiments.comparison.published_latencies import Measurements, read_measurements
from experiments.config import FidelityConfig
from experiments.studies.fidelity import fidelity, fresh_archs, predictions
from paper.figures import fidelity as figure
from paper.rows import Fresh, Judged
from predictors.metrics.agreement import agreement
from predictors.models.learned import LEARNERS, one_hot
from predictors.models.tied_additive import tied_additive
from predictors.timing.blocks import computing
from search_spaces.errors import LutraError
from search_spaces.spaces.tiny import tiny
from tests.commands import Finished, Here, copy_steps
from tests.predictors.test_predictors import synthetic_table, true_seconds

OPTIONS = (3, 4, 4, 2, 4, 4)  # not all layers have the same options
LINEAR = ("ridge", "gaussian_process", "additive", "tied_additive", "additive_process")


def draw(count: int, seed: int, options: tuple[int, ...] = OPTIONS) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, options, (count, len(options)))


def costs_of_layers(seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a function of architectures that gives additive latencies [n] in seconds, different for every layer."""
    table = np.random.default_rng(seed).uniform(1e-4, 1e-3, (len(OPTIONS), max(OPTIONS)))
    return lambda archs: 2e-3 + table[np.arange(len(OPTIONS)), archs].sum(1)


def costs_of_options(archs: np.ndarray) -> np.ndarray:
    """Returns latencies that are equal in all layers; options 0 and 3 take the same time."""
    return 1e-3 + np.array([1e-4, 5e-4, 9e-4, 1e-4])[archs].sum(1)


# Laws


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("seed", [0, 1])
def test_an_additive_truth_is_recovered(name: str, seed: int) -> None:
    truth, known, others = costs_of_layers(seed), draw(120, seed), draw(50, seed + 100)
    predict = LEARNERS[name](known, truth(known), OPTIONS)
    assert predict(others) == pytest.approx(truth(others), rel=0.02 if name == "gaussian_process" else 0.002)


def test_alike_layers_are_found_and_equal_options_are_tied() -> None:
    """It needs fewer noisy networks than one cost per layer and option would need."""
    options = (4,) * 6
    known, others = draw(20, 0, options), draw(200, 1, options)
    seconds = costs_of_options(known) * np.exp(0.01 * np.random.default_rng(2).standard_normal(20))
    predicted = tied_additive(known, seconds, options)(others)
    assert predicted == pytest.approx(costs_of_options(others), rel=0.02)
    kinds = np.stack([(others == 1).sum(1), (others == 2).sum(1)], axis=1)
    assert len(np.unique(predicted)) == len(np.unique(kinds, axis=0)) < 40
    ridge = LEARNERS["ridge"](known, seconds, options)(others)
    assert agreement(predicted, costs_of_options(others)).mape < agreement(ridge, costs_of_options(others)).mape / 2


def test_layers_that_are_not_alike_are_not_taken_as_such() -> None:
    truth, known = costs_of_layers(3), draw(60, 3)
    seconds = truth(known) * np.exp(0.01 * np.random.default_rng(2).standard_normal(60))
    others = draw(200, 4)
    assert agreement(tied_additive(known, seconds, OPTIONS)(others), truth(others)).mape < 0.01


@pytest.mark.parametrize("name", LINEAR)
def test_the_order_of_the_training_networks_says_nothing(name: str) -> None:
    known, others = draw(40, 0), draw(30, 1)
    seconds = costs_of_layers(0)(known) * np.exp(0.02 * np.random.default_rng(0).standard_normal(40))
    order = np.random.default_rng(1).permutation(40)
    predict, shuffled = (LEARNERS[name](known[i], seconds[i], OPTIONS) for i in (np.arange(40), order))
    assert shuffled(others) == pytest.approx(predict(others), rel=1e-3)


@pytest.mark.parametrize("name", LEARNERS)
def test_twice_the_seconds_are_twice_the_prediction(name: str) -> None:
    known, others = draw(30, 0), draw(20, 1)
    seconds = costs_of_layers(0)(known) * np.exp(0.02 * np.random.default_rng(0).standard_normal(30))
    once, twice = (LEARNERS[name](known, factor * seconds, OPTIONS)(others) for factor in (1.0, 2.0))
    assert twice == pytest.approx(2 * once, rel=1e-6)


@pytest.mark.parametrize("name", LEARNERS)
def test_equal_networks_give_a_constant(name: str) -> None:
    """There are as few networks as in the smallest table, all with the same latency."""
    known = draw(4, 0)
    predicted = LEARNERS[name](known, np.full(4, 2e-3), OPTIONS)(known)
    assert predicted == pytest.approx(np.full(4, 2e-3), rel=1e-3)


def test_one_hots_have_a_one_for_each_layer() -> None:
    archs = draw(10, 0)
    rows = one_hot(archs, OPTIONS)
    assert rows.shape == (10, sum(OPTIONS))
    assert (rows.sum(1) == len(OPTIONS)).all()
    assert rows[0, archs[0, 0]] == rows[0, OPTIONS[0] + archs[0, 1]] == 1


# Agreement


def test_agreement_by_hand() -> None:
    found = agreement(np.array([1.04, 1.84, 3.0, 4.6]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert found.bias == pytest.approx((0.04 - 0.08 + 0 + 0.15) / 4)
    assert found.mape == pytest.approx(0.27 / 4)
    assert (found.within_5, found.within_10) == (0.5, 0.75)
    assert found.tau == found.tau_a == pytest.approx(1)


def test_a_tie_counts_half_in_tau_a_and_less_in_tau_b() -> None:
    """Five of six pairs are in the right order, one is tied."""
    found = agreement(np.array([1.0, 2.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert found.tau_a == pytest.approx(5 / 6)
    assert found.tau == pytest.approx(5 / (5 * 6) ** 0.5)


def test_a_constant_orders_nothing() -> None:
    found = agreement(np.full(4, 2.0), np.array([1.0, 2.0, 3.0, 4.0]))
    assert (found.tau, found.tau_a) == (0, 0)


# Learning curves


def published(count: int = 90) -> Measurements:
    archs = np.unique(draw(3 * count, 0), axis=0)[:count]
    return Measurements(archs, costs_of_layers(0)(archs), OPTIONS)


def test_the_same_seed_gives_the_same_numbers_and_splits_never_meet() -> None:
    learners = {name: LEARNERS[name] for name in ("ridge", "forest")}
    once, again = (list(points("x", published(), learners, [30, 60], 2)) for _ in range(2))
    assert once == again
    assert {(one.trained_on, one.held_out) for one in once} == {(30, 60), (60, 30)}
    assert len({one.mape for one in once}) == len(once) == 8

    def recalls(archs: np.ndarray, seconds: np.ndarray, options: object) -> Callable[[np.ndarray], np.ndarray]:
        known = {tuple(arch) for arch in archs}
        return lambda others: np.array([2.0 if tuple(arch) in known else 1.0 for arch in others])

    (one,) = points("x", replace(published(), seconds=np.ones(90)), {"recalls": recalls}, [45], 1)
    assert one.mape == 0  # no test network was trained on


def test_alike_networks_share_their_mean() -> None:
    archs = np.array([[0, 1], [1, 0], [1, 1], [0, 0]])
    mean, seconds = alike(Measurements(archs, np.array([1.0, 3.0, 5.0, 7.0]), (2, 2)))
    assert mean.tolist() == [2.0, 2.0, 5.0, 7.0]
    assert seconds.tolist() == [1.0, 3.0, 5.0, 7.0]


# The file


def write(path: Path, rows: list[tuple[object, object]], header: tuple[str, str] = ("ops", "rpi4_ms")) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def rows_of(measurements: Measurements) -> list[tuple[object, object]]:
    return [("".join(map(str, arch)), 1e3 * s) for arch, s in zip(measurements.archs, measurements.seconds)]


def test_a_file_is_read_by_known_columns_or_given_ones(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [("012", 1.5), ("310", 3)])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())  # as spreadsheets begin their files
    known = read_measurements(path, FidelityConfig())
    assert known.archs.tolist() == [[0, 1, 2], [3, 1, 0]]
    assert known.seconds.tolist() == pytest.approx([1.5e-3, 3e-3])
    assert known.options == (4, 2, 3)
    other = write(tmp_path / "b.csv", [("0-11-2", 7)], ("arch", "time"))
    given = read_measurements(other, FidelityConfig(options="arch", latency="time", unit="us"))
    assert (given.archs.tolist(), given.seconds.tolist()) == ([[0, 11, 2]], pytest.approx([7e-6]))


BAD = {
    "not one of the known files": ([("01", 1)], ("ops", "latency"), {}),
    "did you mean 'rpi4_ms'": ([("01", 1)], ("ops", "rpi4_ms"), {"options": "ops", "latency": "rpi4ms"}),
    "add fidelity.latency=": ([("01", 1)], ("ops", "rpi4_ms"), {"options": "ops"}),
    "unit": ([("01", 1)], ("ops", "rpi4_ms"), {"unit": "min"}),
    "line 3: rpi4_ms must be a positive number, not 'nan'": ([("01", 1), ("02", "nan")], ("ops", "rpi4_ms"), {}),
    "not ''": ([("01", "")], ("ops", "rpi4_ms"), {}),
    "line 2: rpi4_ms .* not '-1'": ([("01", -1)], ("ops", "rpi4_ms"), {}),
    "line 3: ops must be 2 layers": ([("01", 1), ("021", 1)], ("ops", "rpi4_ms"), {}),
    "one number per layer": ([("0x", 1)], ("ops", "rpi4_ms"), {}),
    "one number per layer, not '0-12345'": ([("0-12345", 1)], ("ops", "rpi4_ms"), {}),
    "line 3: ops '01' appears twice": ([("01", 1), ("01", 2)], ("ops", "rpi4_ms"), {}),
    "no row below its header": ([], ("ops", "rpi4_ms"), {}),
}


@pytest.mark.parametrize("told", BAD)
def test_a_bad_file_gets_one_line(tmp_path: Path, told: str) -> None:
    rows, header, config = BAD[told]
    path = write(tmp_path / "bad.csv", list(rows), header)
    with pytest.raises(LutraError, match=told) as error:
        read_measurements(path, FidelityConfig(**config))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00\x81", b""])
def test_a_file_that_is_no_table_gets_one_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.csv").write_bytes(data)
    for path in (tmp_path / "bad.csv", tmp_path / "absent.csv", tmp_path):
        with pytest.raises(LutraError) as error:
            read_measurements(path, FidelityConfig())
        assert "\n" not in str(error.value)


# Fresh networks


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
    predictors = ("corrected table", "sum of blocks alone", "forest", "ridge")
    networks = [Fresh(p, name, 1e-3 * n, 1.1e-3 * n) for p in ("fp32", "int8") for name in predictors for n in (1, 2)]
    panels = figure.plot(networks).axes
    assert [axes.get_ylabel() for axes in panels] == ["predicted, fp32 (ms)", "predicted, int8 (ms)"]
    assert all(len(drawn.get_offsets()) == 2 for axes in panels for drawn in axes.collections[:3])


# The command


def test_the_command_learns_from_a_file(here: Here, tmp_path: Path) -> None:
    path = write(tmp_path / "board.csv", rows_of(published()))
    done = here(fidelity, f"csv={path}", f"runs={tmp_path}", "fidelity.seeds=2", "fidelity.train=[20,60]")
    assert done.code == 0, done.err
    (result,) = tmp_path.glob("fidelity/board-*/fidelity.csv")
    found = read_points(result)
    assert len(found) == 2 * 2 * len(LEARNERS)
    groups: dict[str, list[Judged]] = {}
    for one in found:
        if one.trained_on == 60:
            groups.setdefault(one.predictor, []).append(one)
    assert median(groups["additive"], "mape") < 1e-6 < median(groups["forest"], "mape")
    assert all(name in done.out for name in LEARNERS)
    refused = here(fidelity, f"csv={path}", f"runs={tmp_path}")
    assert refused.code == 2
    assert refused.err == (
        f"error: {path} has 90 networks: predictors cannot learn from 100 of them, because they need at least 3 to "
        "learn from, and 20 others to be judged on; try fidelity.train=[50]\n"
    )


def test_the_command_times_fresh_networks(finished: Finished, here: Here, tmp_path: Path) -> None:
    """A smoke test: so short a measurement has no meaning."""
    copy_steps(finished, tmp_path, "measure")
    done = here(fidelity, *finished.arguments, f"runs={tmp_path}", "fidelity.networks=3")
    assert done.code == 0, done.err
    (folder,) = tmp_path.glob("fidelity/tiny-local-*")
    found = read_points(folder / "fidelity.csv")
    expected = {"re-test", "sum of blocks alone", "sum of blocks in context", "corrected table", "MACs", *LEARNERS}
    assert {(one.data, one.predictor) for one in found} == {(p, name) for p in ("fp32", "int8") for name in expected}
    assert all(one.held_out == 3 for one in found)
    assert {"fresh.csv", "fidelity.pdf", "fidelity.png", "manifest.json"} <= {path.name for path in folder.iterdir()}
