"""Strategies set against one another: laws of curves and of the rank test, and the command on a small table."""

from __future__ import annotations

import csv
import io
import itertools
import math
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import mannwhitneyu
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from experiments import command, journal
from experiments.compare import compare
from experiments.search_curves import Trace, common, curves, interval, trace
from experiments.seeded_searches import Evaluation, Ledger, run_searches, timed
from experiments.significance import holm, seeds_needed, verdicts
from paper import build, comparison, macros
from paper.figures import compare as figure
from paper.figures import style
from paper.rows import Curve, Pair, read
from search_spaces.space import Arch
from strategies.objective import Pareto
from strategies.problem import Candidate, Problem, front
from strategies.random_search import random_search
from strategies.tabular_problem import Table, read_csv
from tests.test_paper import listed

SHORT = ("compare.seeds=2", "search.budget=12", "objective=pareto", "compare.strategies=[nsga2,evolution]")
JOURNALS = ("accuracies.jsonl", "searches.jsonl")
Run = Callable[..., Path]


class Whole(NamedTuple):
    """What a comparison leaves, publishes and says."""

    folder: Path
    results: Path
    out: str


def small(folder: Path) -> Path:
    """81 networks, of which the front is not a single one."""
    path, rng = folder / "small.csv", np.random.default_rng(0)
    lines = ["ops,accuracy_percent,rpi4_ms"]
    for picks in itertools.product(range(3), repeat=4):
        effort = 1 + sum(picks)
        lines.append(f"{''.join(map(str, picks))},{95 - 60 / effort + rng.uniform(0, 5)},{effort + rng.uniform(0, 2)}")
    path.write_text("\n".join(lines))
    return path


def compared(folder: Path, *arguments: str) -> Path:
    """The command on the folder's table, in this process; the folder of its results."""
    given = [f"runs={folder / 'runs'}", f"results={folder / 'results'}", f"compare.csv={folder / 'small.csv'}"]
    folders: list[Path] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HYDRA_FULL_ERROR", "1")
        patched.setattr(sys, "argv", ["compare", *given, *arguments])
        command.run(lambda config: folders.append(compare(config)))
    return folders[0]


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return small(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Undisturbed; nobody may change it."""
    house = tmp_path_factory.mktemp("whole")
    small(house)
    with redirect_stdout(io.StringIO()) as said:
        folder = compared(house, *SHORT, "publish=true")
    return Whole(folder, house / "results", said.getvalue())


@pytest.fixture
def table(published: Path) -> Table:
    return read_csv(published, "ops", "accuracy_percent", "rpi4_ms")


@pytest.fixture
def run(published: Path) -> Run:
    return partial(compared, published.parent)


def rows(path: Path, without: Sequence[str] = ("seconds",)) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [{key: value for key, value in row.items() if key not in without} for row in csv.DictReader(file)]


def by_evaluations(path: Path) -> list[dict[str, str]]:
    return [row for row in rows(path) if row["against"] == "evaluations"]


# The command


def test_every_search_has_the_same_budget_and_random_is_there(whole: Whole) -> None:
    found = rows(whole.folder / "compare.csv", ())
    counts = {(name, seed): 0 for name in ("random", "nsga2", "evolution") for seed in "01"}
    archs: dict[tuple[str, str], set[str]] = {search: set() for search in counts}
    for row in found:
        search = row["strategy"], row["seed"]
        assert int(row["index"]) == counts[search]
        counts[search] += 1
        archs[search].add(row["arch"])
        assert float(row["seconds"]) > 0
    assert set(counts.values()) == {12} == {len(own) for own in archs.values()}


def test_the_same_command_again_reads_and_a_lost_end_is_written_again(run: Run) -> None:
    folder = run(*SHORT)
    names = ("compare.csv", "curves.csv", "pairs.csv", "compare.pdf")
    before = {name: (folder / name).read_bytes() for name in names}
    written = (folder / "compare.csv").stat().st_mtime_ns
    assert run(*SHORT) == folder
    assert (folder / "compare.csv").stat().st_mtime_ns == written
    for name in (*names, "manifest.json"):
        (folder / name).unlink()
    assert run(*SHORT, "strategy=nsga2") == folder  # whose options are the defaults, as the comparison has them
    assert {name: (folder / name).read_bytes() for name in names} == before


@pytest.mark.parametrize("after", [5, 30])
def test_an_interrupted_comparison_goes_on_and_pays_nothing_twice(
    run: Run, whole: Whole, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    append, appended = journal.append, itertools.count(1)

    def interrupted(path: Path, record: dict) -> None:
        append(path, record)
        if next(appended) == after:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(journal, "append", interrupted)
        with pytest.raises(SystemExit):
            run(*SHORT)
    folder = run(*SHORT)
    assert rows(folder / "compare.csv") == rows(whole.folder / "compare.csv")
    for name in ("curves.csv", "pairs.csv"):
        assert by_evaluations(folder / name) == by_evaluations(whole.folder / name)
    paid = [tuple(record["arch"]) for record in journal.read(folder / "accuracies.jsonl")]
    assert len(paid) == len(set(paid))


def test_an_exhaustive_search_reaches_the_exact_front(run: Run) -> None:
    folder = run("compare.strategies=[evolution]", "compare.seeds=1", "search.budget=200", "objective=pareto")
    found = read(folder, Curve)
    assert {curve.reference for curve in found} == {comparison.EXACT}
    for name in ("random", "evolution"):
        own = [curve for curve in found if (curve.strategy, curve.against) == (name, "evaluations")]
        assert [curve.at for curve in own] == list(range(1, 82))
        assert [curve.share for curve in own] == sorted(curve.share for curve in own)
        assert own[0].share < own[-1].share == pytest.approx(1)
        assert own[0].regret > own[-1].regret == pytest.approx(0)


def test_few_seeds_tell_nothing_apart_and_say_so(whole: Whole) -> None:
    assert whole.out.count("no two strategies are told apart: 2 seeds cannot do it, 5 or more can") == 4
    assert "the exact front's" in whole.out


def test_seconds_end_a_search(run: Run) -> None:
    found = rows(run(*SHORT, "compare.seconds=1e-9") / "compare.csv")
    assert [row["index"] for row in found] == ["0"] * 6


def test_a_search_that_ran_out_of_seconds_is_judged_by_what_it_had() -> None:
    slow, fast = course([10, 10], [0.1, 0.2]), course([1, 1, 1], [0.1, 0.2, 0.3])
    facts = {"problem": "p", "reference": "r"}
    rows = [Curve(**(facts | row)) for row in curves({"slow": [slow], "fast": [fast]})]
    last = [row for row in rows if (row.strategy, row.against) == ("slow", "evaluations")][-1]
    assert (last.at, last.evaluations, last.share) == (3, 2, 0.2)
    assert comparison.stopped(rows).endswith("slow after 2 evaluations.")
    assert comparison.stopped(row for row in rows if row.strategy == "fast") == ""


def test_tensorboard_has_each_search(whole: Whole) -> None:
    folder = whole.folder
    board = EventAccumulator(str(folder / "nsga2-seed1")).Reload()
    last = float(rows(folder / "curves.csv")[-1]["share"])
    assert 0 < board.Scalars("final/share")[0].value <= 1.000001
    assert len(board.Scalars("share")) == 12
    assert 0 < last <= 1.000001
    assert EventAccumulator(str(folder)).Reload().Tags()["images"] == ["compare"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("compare.strategies=[random]",), "a comparison needs a strategy beside random"),
        (("compare.strategies=[darts]",), "a comparison needs a strategy beside random"),
        (("compare.strategies=[evolutoin]",), "did you mean 'evolution'?"),
        (("compare.latency=pi_ms",), "did you mean 'rpi4_ms'?"),
        (("compare.seeds=0",), "compare.seeds=0 is out of range: give a whole number from 1 to 10,000"),
        (("objective.target_ms=0.5",), "no network of small takes 0.5 ms"),
        (("compare.csv=nowhere.csv",), "cannot read nowhere.csv"),
    ],
)
def test_a_mistake_is_one_line(
    run: Run, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(*arguments)
    err = capsys.readouterr().err
    assert stopped.value.code == 2
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err


# What a search costs


def test_a_shared_accuracy_costs_each_search_what_it_cost_first(table: Table, tmp_path: Path) -> None:
    computed: list[Arch] = []
    problem = table.problem(Pareto(1.0))

    def slow(archs: Sequence[Arch]) -> Sequence[float]:
        computed.extend(archs)
        return problem.accuracies(archs)

    shared = replace(problem, accuracies=slow)
    found = list(run_searches(shared, {"a": random_search, "b": random_search}, [0], 20, 0.0, tmp_path))
    first, second = found[:20], found[20:]
    assert [one.candidate for one in first] == [one.candidate for one in second]
    assert len(computed) == len(set(computed)) == 20
    ledger = Ledger(tmp_path / JOURNALS[0], slow)
    assert all(one.seconds >= ledger.paid[one.candidate.arch][1] > 0 for one in found)
    assert list(run_searches(shared, {"a": random_search, "b": random_search}, [0], 20, 0.0, tmp_path)) == found


def test_a_callers_time_is_not_the_strategys(table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("experiments.seeded_searches.perf_counter", lambda: now[0])
    problem = table.problem(Pareto(1.0))

    def three_seconds(archs: Sequence[Arch]) -> Sequence[float]:
        now[0] += 3.0 * len(archs)
        return problem.accuracies(archs)

    def proposing(asked: Problem) -> Iterator[Candidate]:
        for arch in table.accuracy:
            now[0] += 0.5
            yield asked.evaluate(arch)

    ledger = Ledger(tmp_path / JOURNALS[0], three_seconds)
    asked = replace(problem, accuracies=ledger.accuracies)
    for _ in range(2):
        costs = []
        for _, seconds in timed(ledger, proposing(replace(asked, memo={}))):
            costs.append(seconds)
            now[0] += 100
        assert costs == [3.5] * len(table.accuracy)  # the second time, too


# Curves


def course(seconds: Sequence[float], share: Sequence[float]) -> Trace:
    values = np.array(share)
    return Trace(values, 1 - values, np.arange(1, len(values) + 1), np.cumsum(seconds))


def test_a_trace_is_a_step_function() -> None:
    one = course([1, 1, 2], [0.2, 0.5, 0.9])
    assert one.at("share", "seconds", np.array([1, 1.5, 2, 3.9, 4, 50])).tolist() == [0.2, 0.2, 0.5, 0.5, 0.9, 0.9]
    assert one.at("regret", "evaluations", np.array([1, 3, 9])).tolist() == pytest.approx([0.8, 0.1, 0.1])


def test_the_common_budget_is_the_longest_in_evaluations_and_the_shortest_in_seconds_once_all_have_begun() -> None:
    slow, fast = course([10, 10], [0.1, 0.2]), course([1, 1, 1], [0.1, 0.2, 0.3])
    assert common({"slow": [slow], "fast": [fast]}, "evaluations") == 3
    assert common({"slow": [slow], "fast": [fast]}, "seconds") == 10
    assert {row["at"] for row in curves({"fast": [fast], "slow": [slow]}) if row["strategy"] == "fast"} >= {3, 10}


def test_regret_is_to_the_best_feasible_score(table: Table) -> None:
    objective = Pareto(max(table.latency.values()))
    problem = table.problem(objective)
    exact = table.front(objective)
    archs = sorted(table.accuracy)
    searched = [Evaluation("x", 0, problem.evaluate(arch), 1.0) for arch in archs]
    own = trace(searched, exact, objective.worst, objective)
    scores = [one.candidate.score for one in searched]
    gaps = [max(scores) - max(scores[: end + 1]) for end in range(len(scores))]
    assert own.regret.tolist() == pytest.approx(gaps)
    assert own.share[-1] == pytest.approx(1)
    assert (np.diff(own.share) >= 0).all()
    assert front(one.candidate for one in searched) == exact


def test_intervals_hold_the_mean_and_narrow_with_seeds() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for seeds in (1, 5, 50):
        mean, low, high = interval(rng.normal(size=(seeds, 7)))
        assert (low <= mean + 1e-12).all()
        assert (mean <= high + 1e-12).all()
        widths.append((high - low).mean())
    assert widths[0] == pytest.approx(0, abs=1e-12)
    assert widths[1] > 2 * widths[2] > 0


# The rank test


def test_equal_strategies_are_not_told_apart_and_different_ones_are() -> None:
    same = [0.1 * seed for seed in range(10)]
    equal, up, down = verdicts({"a": same, "b": same, "c": [value + 5 for value in same]})
    assert not equal.apart
    assert equal.p == 1
    assert up.apart
    assert down.apart


def test_holm_is_between_no_correction_and_bonferronis() -> None:
    raw = [0.01, 0.04, 0.03, 0.5]
    assert holm(raw) == pytest.approx([0.04, 0.09, 0.09, 0.5])


@pytest.mark.parametrize("strategies", [2, 3, 5, 6])
def test_fewer_seeds_than_needed_cannot_tell_anything_apart(strategies: int) -> None:
    needed = seeds_needed(strategies)
    for seeds, apart in ((needed - 1, False), (needed, True)):
        one, another = range(seeds), range(seeds, 2 * seeds)
        p = mannwhitneyu(one, another, method="exact").pvalue * math.comb(strategies, 2)
        assert (p < 0.05) == apart


# The paper


def pair(a: str, b: str, apart: bool, measure: str = "share", seeds: int = 6) -> Pair:
    means = {"share": {"nsga2": 0.98, "evolution": 0.97, "random": 0.9}, "regret": {"nsga2": 0.0, "random": 0.3}}[
        measure
    ]
    return Pair("evaluations", 60, measure, a, b, means[a], means[b], 0.01 if apart else 0.3, apart, seeds, 5)


def test_words_follow_the_verdicts() -> None:
    ahead, behind, even = (
        partial(pair, *names) for names in (("nsga2", "random"), ("evolution", "random"), ("nsga2", "evolution"))
    )
    said = comparison.verdict([ahead(True), behind(True), even(False)])
    assert said == "nsga2 and evolution are better than random; other pairs are not told apart"
    assert comparison.verdict([ahead(False), behind(False)]) == "no two strategies are told apart"
    assert "2 seeds cannot do it, 5 or more can" in comparison.verdict([ahead(False, seeds=2)])
    assert comparison.verdict([pair("random", "nsga2", True, "regret")]) == "nsga2 is better than random"


def test_the_paper_tells_of_a_comparison_where_there_is_one(whole: Whole, tmp_path: Path) -> None:
    assert set(comparison.macros(tmp_path / "results").values()) == {""}
    assert {path.name for path in whole.results.iterdir()} == {"compare.csv", "curves.csv", "pairs.csv"}
    said = comparison.macros(whole.results)
    assert said["ComparedProblem"].startswith(
        "The problem is small; random, nsga2 and evolution searched with 2 seeds each"
    )
    assert "After 12 evaluations the mean hypervolume is" in said["ComparedEvaluations"]
    assert "no two strategies are told apart" in said["ComparedEvaluations"]
    for name in ("first.pdf", "second.pdf"):
        style.save(figure.draw(whole.results), tmp_path / name)
    assert (tmp_path / "first.pdf").read_bytes() == (tmp_path / "second.pdf").read_bytes()


@pytest.mark.skipif(shutil.which("latexmk") is None, reason="latexmk is not installed")
def test_the_paper_is_built_with_a_comparison(whole: Whole, tmp_path: Path) -> None:
    results = tmp_path / "results"
    shutil.copytree(Path(build.__file__).parent / "results", results)
    for name in ("compare.csv", "curves.csv", "pairs.csv"):
        (results / name).unlink(missing_ok=True)
    listed(results)
    build.sources(results, tmp_path / "build")
    assert not (tmp_path / "build" / "compare.pdf").exists()
    shutil.copytree(whole.results, results, dirs_exist_ok=True)
    listed(results)
    build.sources(results, tmp_path / "build")
    build.typeset(tmp_path / "build")
    log = (tmp_path / "build" / "paper.log").read_text(errors="replace")
    assert "undefined" not in log
    assert "Overfull" not in log
    (results / "curves.csv").unlink()
    with pytest.raises(macros.ResultError, match=r"curves\.csv is missing; .*experiments\.compare publish=true"):
        build.sources(results, tmp_path / "build")
