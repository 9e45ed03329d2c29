"""Tests exact fronts against enumeration, the error bound of thinned ones, and budgets."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.comparison.option_effects import Fit, read_candidates, read_effects
from experiments.config import DeviceConfig, command
from experiments.setup.devices import passport_of
from experiments.store import artefacts
from experiments.studies.exact import exact, fit_text, read_front
from predictors.board.fingerprint import PRECISIONS
from predictors.board.simulated import Disturbance, SimulatedBoard
from predictors.models.layer_costs import AdditiveCost
from predictors.tables.assembly import assemble, file_name
from predictors.tables.table_file import dump, read_table
from predictors.timing.blocks import all_specs, block_specs, networks_to_time
from predictors.timing.rounds import Protocol, measure
from search_spaces.costs import macs
from search_spaces.errors import LutraError
from search_spaces.space import SearchSpace
from search_spaces.spaces.nasbench_macro import nasbench_macro
from search_spaces.spaces.tiny import tiny
from strategies.problems.objective import Pareto
from strategies.problems.problem import Candidate, Problem, front
from strategies.quality.exact import POINTS, Front, exact_front
from strategies.quality.pareto import nondominated, thinned
from strategies.quality.regret import share


class Separable(NamedTuple):
    scores: np.ndarray  # [layers, options], NaN where a layer has fewer
    latency: AdditiveCost

    @property
    def archs(self) -> np.ndarray:
        return np.array(list(itertools.product(*(range(int(n)) for n in (~np.isnan(self.scores)).sum(1)))))


# Few distinct values give ties, and sums that differ only by rounding.
values = st.sampled_from([0.0, 0.1, 0.2, 0.3, 1.0]) | st.floats(0, 1)


@st.composite
def separables(draw: st.DrawFn) -> Separable:
    options = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    scores, seconds = np.full((2, len(options), max(options)), np.nan)
    for layer, count in enumerate(options):
        scores[layer, :count] = draw(st.lists(values.map(lambda v: v - 0.3), min_size=count, max_size=count))
        seconds[layer, :count] = draw(st.lists(values, min_size=count, max_size=count))
    correction = draw(st.sampled_from([(0.0, 1.0), (0.3, 0.7)]))
    return Separable(scores, AdditiveCost(seconds, *correction))


def front_of(space: Separable, points: int = POINTS) -> Front:
    return exact_front(space.scores, {"latency": space.latency}, points)


def everything(space: Separable) -> list[Candidate]:
    """Returns every architecture, with its score as its accuracy."""
    scores, seconds = AdditiveCost(space.scores).of(space.archs), space.latency.of(space.archs)
    return [Candidate(tuple(a), s, {"latency": t}, 0.0, True) for a, s, t in zip(space.archs.tolist(), scores, seconds)]


@given(separables())
def test_the_front_is_that_of_enumeration_to_the_last_bit(space: Separable) -> None:
    found, expected = front_of(space), front(everything(space))
    assert found.slack == 0
    assert found.scores.tolist() == [c.accuracy for c in expected]
    assert found.costs["latency"].tolist() == [c.costs["latency"] for c in expected]
    assert AdditiveCost(space.scores).of(found.archs).tolist() == found.scores.tolist()
    assert space.latency.of(found.archs).tolist() == found.costs["latency"].tolist()


@given(separables(), st.integers(2, 6))
def test_a_thinned_front_is_short_and_loses_no_more_than_it_says(space: Separable, points: int) -> None:
    found = front_of(space, points)
    assert len(found.scores) <= points
    for candidate in front(everything(space)):
        as_fast = found.scores[found.costs["latency"] <= candidate.costs["latency"]]
        assert as_fast.max() >= candidate.accuracy - found.slack - 1e-12
    assert AdditiveCost(space.scores).of(found.archs).tolist() == found.scores.tolist()
    assert found.scores[-1] == max(c.accuracy for c in everything(space))
    assert found.costs["latency"][0] == min(c.costs["latency"] for c in everything(space))


def adversary(layers: int) -> Separable:
    """Returns a problem where accuracy follows latency, so that no network dominates another."""
    seconds = 2.0 ** np.arange(2 * layers).reshape(layers, 2)
    return Separable(seconds, AdditiveCost(seconds))


def test_a_front_that_is_the_whole_space_is_thinned_to_what_was_asked() -> None:
    assert len(front_of(adversary(10)).scores) == 2**10
    found = front_of(adversary(10), 100)
    assert 2 < len(found.scores) <= 100
    assert 0 < found.slack < 10 * (found.scores[-1] - found.scores[0]) / 99


@given(st.lists(st.tuples(values, values), min_size=1))
def test_nondominated_is_the_front_in_order(points: list[tuple[float, float]]) -> None:
    candidates = [Candidate((i,), score, {"latency": seconds}, 0.0, True) for i, (score, seconds) in enumerate(points)]
    kept = nondominated(np.array(points)[:, 0], np.array(points)[:, 1:])
    assert [points[i] for i in kept] == [(c.accuracy, c.costs["latency"]) for c in front(candidates)]


@given(st.lists(st.floats(0, 1), min_size=1, unique=True).map(sorted), st.integers(2, 9))
def test_thinning_keeps_the_ends_and_bounds_every_loss(scores: list[float], points: int) -> None:
    kept, lost = thinned(np.array(scores), points)
    assert len(kept) <= points
    assert {0, len(scores) - 1} <= set(kept)
    before = kept[np.searchsorted(kept, np.arange(len(scores)), side="right") - 1]
    assert max(np.array(scores) - np.array(scores)[before]) == lost


def rising(score: float) -> float:
    return 1 / (1 + math.exp(-score / 100))


def test_candidates_are_judged_as_a_search_judges_them() -> None:
    space, objective = adversary(3), Pareto({"latency": 1e3})
    found = front_of(space).candidates(objective, rising)
    problem = Problem(
        space=SearchSpace("adversary", ((0, 1),) * 3, (0, 0, 0)),
        objective=objective,
        accuracies=lambda archs: [rising(score) for score in AdditiveCost(space.scores).of(np.array(archs))],
        costs={"latency": space.latency},
    )
    assert found == problem.evaluate_all([c.arch for c in found])
    assert share(found, found) == 1


@pytest.mark.parametrize("points", [200_000, 40])
@pytest.mark.parametrize("seed", range(3))
def test_a_front_of_stacks_holds_each_network_once(seed: int, points: int) -> None:
    """Where an effect depends on the place of a Skip, the canonical architecture counts."""
    space, rng = nasbench_macro(3, 8, 10), np.random.default_rng(seed)
    shape = (len(space.layers), max(space.options))
    absent = np.arange(shape[1]) >= np.array(space.options)[:, None]
    scores = np.where(absent, np.nan, rng.normal(size=shape))
    latency = AdditiveCost(np.where(absent, np.nan, rng.uniform(size=shape)))
    archs = np.array(space.networks)
    expected = np.stack([AdditiveCost(scores).of(archs), latency.of(archs)], 1)
    found = exact_front(scores, {"latency": latency}, points, space.stacks)
    assert [space.canonical(tuple(arch)) for arch in found.archs.tolist()] == [*map(tuple, found.archs.tolist())]
    if found.slack == 0:
        best = expected[nondominated(expected[:, 0], expected[:, 1:])]
        assert np.stack([found.scores, found.costs["latency"]], 1).tolist() == best.tolist()
    assert len(found.scores) <= points
    for score, seconds in expected[nondominated(expected[:, 0], expected[:, 1:])].tolist():
        assert found.scores[found.costs["latency"] <= seconds].max() >= score - found.slack - 1e-12


# The command


Exact = Callable[..., tuple[Path, str]]


@pytest.fixture
def exact_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Exact:
    """Runs the command in this process; returns its folder and output, or its one line of an error."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")

    def run(*arguments: str) -> tuple[Path, str]:
        monkeypatch.setattr(sys, "argv", ["exact", f"runs={tmp_path / 'runs'}", *arguments])
        try:
            command.run(exact)
        except SystemExit:
            out, err = capsys.readouterr()
            assert (out, err.count("\n")) == ("", 1)
            return tmp_path, err
        out, err = capsys.readouterr()
        assert err == ""
        return Path(out.splitlines()[-1]), out

    return run


def test_the_front_of_a_file_and_its_best_within_a_budget(tmp_path: Path, exact_command: Exact) -> None:
    path = tmp_path / "few.csv"
    path.write_text("\ufeffops,accuracy_percent,rpi4_ms\n3-12,50,1.5\n3-1,75,2.5\n5-1,70,3\n5-12,90,4\n")
    folder, out = exact_command(f"exact.csv={path}", "exact.budget_ms=3")
    found = [(point.arch, point.accuracy) for point in read_front(folder / "front.csv")]
    assert found == [("3-12", 0.5), ("3-1", 0.75), ("5-12", 0.9)]
    assert "best within 3 ms: 3-1, 75.00% at 2.5 ms" in out
    assert exact_command(f"exact.csv={path}")[0] == folder
    _, err = exact_command(f"exact.csv={path}", "exact.budget_ms=1")
    assert "no network in the file is within 1 ms: the fastest is 3-12, 50.00% at 1.5 ms" in err


SPACE = tiny(1, 16, 10)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Measures the tiny space's latency table on a simulated board with this machine's passport."""
    archs, blocks = networks_to_time(SPACE, 5, 0), block_specs(SPACE)
    specs = all_specs(blocks, [SPACE.decode(arch) for arch in archs])
    named = {file_name(precision, i): s for precision in PRECISIONS for i, s in enumerate(specs)}
    board = SimulatedBoard(
        lambda onnx: sum(1e-6 + 1e-11 * macs((spec,)) for spec in named[onnx.decode()]), Disturbance(), 0, {}
    )
    rounds = list(measure(board, {name: name.encode() for name in named}, Protocol()))
    made = assemble(SPACE, blocks, archs, specs, {n: n.encode() for n in named}, rounds, board.passport, Protocol())
    path = tmp_path_factory.mktemp("table") / "table.json"
    path.write_text(dump(replace(made, passport={**made.passport, **passport_of(DeviceConfig())})))
    return path


def write_candidates(path: Path, effects: np.ndarray, count: int) -> None:
    rng = Random(0)
    archs = [SPACE.sample(rng) for _ in range(count)]
    rows = [{"arch": artefacts.arch_name(a), "accuracy": sum(map(np.take, effects, a))} for a in archs]
    artefacts.write_csv(path, [*rows, rows[0]])  # two searches may find the same network


@pytest.mark.parametrize(("tau", "useless"), [(-1.0, True), (0.0, True), (0.29, True), (0.3, False), (1.0, False)])
def test_an_answer_of_a_surrogate_that_ranks_nothing_says_so(tau: float, useless: bool) -> None:
    assert ("means nothing" in fit_text(Fit(100, 0, tau, 0.01))) == useless


def test_the_front_of_a_space_follows_from_a_searchs_candidates(
    tmp_path: Path, table: Path, exact_command: Exact
) -> None:
    effects = np.random.default_rng(0).uniform(0, 0.15, (len(SPACE.layers), max(SPACE.options)))
    write_candidates(tmp_path / "candidates.csv", effects, 400)
    folder, out = exact_command(f"exact.candidates={tmp_path / 'candidates.csv'}", f"table={table}")
    assert "Kendall's tau 1.00 on held-out ones, 0.00 points off" in out
    latency = read_table(table).predictor(SPACE, "int8")
    effects[np.isnan(latency.values)] = np.nan
    expected, found = exact_front(effects, {"latency": latency}, stacks=SPACE.stacks), read_front(folder / "front.csv")
    assert [p.arch for p in found] == [artefacts.arch_name(arch) for arch in expected.archs.tolist()]
    assert [p.accuracy for p in found] == pytest.approx(expected.scores.tolist(), abs=1e-4)

    budget = 1e3 * found[2].costs["latency"]
    again, out = exact_command(f"exact.effects={folder / 'effects.csv'}", f"table={table}", f"exact.budget_ms={budget}")
    assert (again / "front.csv").read_bytes() == (folder / "front.csv").read_bytes()
    assert f"ms: {found[2].arch}, " in out
    few, out = exact_command(f"exact.effects={folder / 'effects.csv'}", f"table={table}", "exact.points=4")
    assert len(read_front(few / "front.csv")) <= 4
    assert "thinned: no network as fast is more than " in out


@pytest.mark.parametrize(
    ("read", "text", "told"),
    [
        (read_effects, "layer,option,accuracy\n0,0,0.1\n0,0,0.2\n", "line 3: layer 0, option 0 is repeated"),
        (read_effects, "layer,option,accuracy\n0,7,0.1\n", "line 2: tiny has no option 7 in layer 0"),
        (read_effects, "layer,option,accuracy\n0.5,0,0.1\n", "line 2: tiny has no option 0 in layer 0.5"),
        (read_effects, "layer,option,accuracy\n0,0,nan\n", "line 2: accuracy must be a number, not 'nan'"),
        (read_effects, "layer,option,accuracy\n0,0,0.1\n", "has no row for layer 1, option 0 of tiny"),
        (read_effects, "layer,option,gain\n", "there is no column"),
        (read_candidates, "arch,accuracy\n0-0,0.5\n", "line 2: tiny has 7 layers"),
        (read_candidates, "arch,accuracy\n0-x,0.5\n", "line 2: arch must be one number per layer, not '0-x'"),
        (
            read_candidates,
            "arch,accuracy\n0-0-0-0-0-0-0,0.5\n",
            "has 1 distinct candidates, but fitting effects needs at least 10",
        ),
    ],
)
def test_a_wrong_file_is_one_line(
    tmp_path: Path, read: Callable[[Path, SearchSpace], object], text: str, told: str
) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text(text)
    with pytest.raises(LutraError, match=r"wrong\.csv") as error:
        read(path, SPACE)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_what_was_left_out_is_told(exact_command: Exact) -> None:
    assert "exact needs one file, not 0" in exact_command()[1]
    assert "exact.points=1 is out of range: give a whole number from 2" in exact_command("exact.points=1")[1]
