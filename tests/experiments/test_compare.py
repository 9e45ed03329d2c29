"""Tests the comparison of strategies: curves, statistics, and the command on a small table."""

from __future__ import annotations

import csv
import io
import itertools
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import mannwhitneyu
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from experiments.comparison.seeded_searches import Evaluation, Ledger, run_searches, timed
from experiments.comparison.significance import holm, seeds_needed, significant
from experiments.config import StrategyConfig, command
from experiments.display import events
from experiments.display.search_curves import Trace, common, curves, interval, trace
from experiments.store import journal
from experiments.studies.compare import compare, pair_rows, unguided
from paper import build, comparison, macros
from paper.figures import compare as figure
from paper.figures import style
from paper.rows import Curve, Pair, read
from search_spaces.space import Arch
from strategies.algorithms.random import random as random_search
from strategies.problems.objective import Pareto
from strategies.problems.problem import Candidate, Problem, front
from strategies.problems.tabular_problem import Table, read_csv
from strategies.quality.regret import as_seen, share
from tests.paper.made_up_results import listed

SHORT = ("compare.seeds=2", "search.budget=12", "objective=pareto", "compare.strategies=[nsga2,evolution]")
PUBLISHED = {"compare.csv", "curves.csv", "pairs.csv", "compare_setup.csv"}
JOURNALS = ("accuracies.jsonl", "searches.jsonl")
Run = Callable[..., Path]


class Whole(NamedTuple):
    """A complete comparison: its folder, its published results and its output."""

    folder: Path
    results: Path
    out: str


def small(folder: Path) -> Path:
    """Writes 81 networks with a front of several; searches see another accuracy than the reported one."""
    path, rng = folder / "small.csv", np.random.default_rng(0)
    lines = ["ops,accuracy_percent,rpi4_ms,accuracy_12epoch_percent"]
    for picks in itertools.product(range(3), repeat=4):
        effort = 1 + sum(picks)
        percent, seen = 95 - 60 / effort + rng.uniform(0, 5), 70 - 50 / effort + rng.uniform(0, 8)
        lines.append(f"{''.join(map(str, picks))},{percent},{effort + rng.uniform(0, 2)},{seen}")
    path.write_text("\n".join(lines))
    return path


def compared(folder: Path, *arguments: str) -> Path:
    """Runs the command on the folder's table in this process; returns the folder of its results."""
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
    """A comparison that ran without interruption; no test may change it."""
    house = tmp_path_factory.mktemp("whole")
    small(house)
    with redirect_stdout(io.StringIO()) as said:
        folder = compared(house, *SHORT, "publish=true")
    return Whole(folder, house / "results", said.getvalue())


@pytest.fixture
def table(published: Path) -> Table:
    return read_csv(published, "ops", "accuracy_12epoch_percent", "rpi4_ms", reported="accuracy_percent")


@pytest.fixture
def run(published: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command without its figure, which takes longer than the searches."""
    monkeypatch.setattr(events, "show_figure", lambda *arguments: None)
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


def test_the_same_command_again_reads_and_a_lost_end_is_written_again(published: Path) -> None:
    run = partial(compared, published.parent)
    folder = run(*SHORT)
    names = ("compare.csv", "curves.csv", "pairs.csv", "compare.pdf")
    before = {name: (folder / name).read_bytes() for name in names}
    written = (folder / "compare.csv").stat().st_mtime_ns
    assert run(*SHORT) == folder
    assert (folder / "compare.csv").stat().st_mtime_ns == written
    for name in (*names, "manifest.json"):
        (folder / name).unlink()
    assert run(*SHORT, "strategy=nsga2") == folder  # its options are the defaults, which the comparison uses
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
    paid = [tuple(map(tuple, record["archs"])) for record in journal.read(folder / "accuracies.jsonl")]
    assert len(paid) == len(set(paid))


def test_an_exhaustive_search_reaches_the_exact_front(run: Run) -> None:
    whole = ("compare.accuracy=accuracy_percent", "search.budget=200", "objective=pareto")
    folder = run("compare.strategies=[evolution]", "compare.seeds=1", *whole)
    found = read(folder, Curve)
    assert {curve.reference for curve in found} == {comparison.EXACT}
    for name in ("random", "evolution"):
        own = [curve for curve in found if (curve.strategy, curve.against) == (name, "evaluations")]
        assert [curve.at for curve in own] == list(range(1, 82))
        assert [curve.share for curve in own] == sorted(curve.share for curve in own)
        assert own[0].share < own[-1].share == pytest.approx(1)
        assert own[0].regret > own[-1].regret == pytest.approx(0)


@pytest.mark.parametrize("columns", ["accuracy_12epoch_percent", "acc1"])
def test_a_search_chooses_by_what_it_sees_and_is_judged_by_what_is_reported(
    tmp_path: Path, run: Run, published: Path, columns: str
) -> None:
    """A search does the same whatever the reported column holds."""
    reported = {"accuracy_12epoch_percent": ["accuracy_percent"], "acc1": ["acc2", "acc3"]}[columns]
    rng, lines = np.random.default_rng(1), published.read_text().splitlines()
    records = list(csv.DictReader(lines))
    found = {}
    for name in ("one", "another"):
        for record in records:
            record |= {column: f"{rng.uniform(10, 90):.4f}" for column in reported}
            record[columns] = record["accuracy_12epoch_percent"]
        wanted = ["ops", "rpi4_ms", columns, *reported]
        rows_ = [{column: record[column] for column in wanted} for record in records]
        with published.open("w", newline="") as file:
            csv.DictWriter(file, wanted).writeheader()
            csv.DictWriter(file, wanted).writerows(rows_)
        found[name] = rows(run(*SHORT) / "compare.csv", ("seconds",))
        for row in found[name]:
            (own,) = (r for r in records if r["ops"] == row["arch"].replace("-", ""))
            assert float(row["accuracy"]) == pytest.approx(float(own[columns]) / 100)
            assert float(row["reported"]) == pytest.approx(np.mean([float(own[c]) for c in reported]) / 100)
    searched = [[{**row, "reported": ""} for row in rows_] for rows_ in found.values()]
    assert searched[0] == searched[1]
    assert found["one"] != found["another"]


def test_a_file_of_one_accuracy_is_allowed_and_said(
    run: Run, published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [",".join(line.split(",")[:3]) for line in published.read_text().splitlines()]
    published.write_text("\n".join(lines))
    run(*SHORT)
    assert capsys.readouterr().out.count("searches see the reported accuracy, accuracy_percent") == 1


def test_few_seeds_say_nothing_about_significance(whole: Whole) -> None:
    said = "2 seeds cannot show a significant difference, 6 or more are needed"
    assert whole.out.count(said) == 4
    assert "the exact front's" in whole.out
    assert not any(pair.significant for pair in read(whole.folder, Pair))


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
        (("compare.strategies=[random]",), "a comparison needs a strategy besides random"),
        (("compare.strategies=[darts]",), "a comparison needs a strategy besides random"),
        (("compare.strategies=[evolutoin]",), "did you mean 'evolution'?"),
        (("compare.latency=pi_ms",), "did you mean 'rpi4_ms'?"),
        (("compare.report=accuracy_percnt",), "did you mean 'accuracy_percent'?"),
        (("compare.report=accuracy_percent+acc3",), "acc3"),
        (("compare.seeds=0",), "compare.seeds=0 is out of range: give a whole number from 1 to 10,000"),
        (("objective.target_ms=0.5",), "no network in small has a latency of 0.5 ms or less"),
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


Clock = Callable[[Sequence[Arch]], Sequence[float]]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replaces the clock: only tests move it."""
    seconds = [0.0]
    monkeypatch.setattr("experiments.comparison.seeded_searches.perf_counter", lambda: seconds[0])
    return seconds


def in_populations(size: int, table: Table) -> Callable[[Problem, Random], Iterator[Candidate]]:
    """Returns a strategy that requests every network of a table, `size` at a time."""

    def strategy(problem: Problem, rng: Random) -> Iterator[Candidate]:
        archs = sorted(table.accuracy)
        for start in range(0, len(archs), size):
            yield from problem.evaluate_all(archs[start : start + size])

    return strategy


@pytest.mark.parametrize("order", [(1, 4, 1, 4), (4, 1, 4, 1)])
def test_a_search_pays_what_it_would_alone_whoever_asked_before(
    table: Table, tmp_path: Path, now: list[float], order: Sequence[int]
) -> None:
    """A population of n takes 10 + n seconds: calls share their cost, so the order of searches could matter."""
    problem = table.problem(Pareto({"latency": 1.0}))

    def slow(archs: Sequence[Arch]) -> Sequence[float]:
        now[0] += 10 + len(archs)
        return problem.accuracies(archs)

    strategies = {f"{place}: {size}": in_populations(size, table) for place, size in enumerate(order)}
    shared = replace(problem, accuracies=slow)
    found = list(run_searches(shared, strategies, [0], 40, 0.0, tmp_path))
    for name in strategies:
        size = int(name[-1])
        assert sum(one.seconds for one in found if one.strategy == name) == pytest.approx(40 / size * (10 + size))
    requests = [record["archs"] for record in journal.read(tmp_path / JOURNALS[0])]
    assert len(requests) == 40 + 10  # each was computed once
    assert list(run_searches(shared, strategies, [0], 40, 0.0, tmp_path)) == found


def test_what_only_the_first_call_costs_is_charged_to_no_search(table: Table, tmp_path: Path, now: list[float]) -> None:
    problem, started = table.problem(Pareto({"latency": 1.0})), []

    def slow(archs: Sequence[Arch]) -> Sequence[float]:
        now[0] += 1 if started else 1000
        started.append(True)
        return problem.accuracies(archs)

    found = list(run_searches(replace(problem, accuracies=slow), {"a": random_search}, [0], 5, 0.0, tmp_path))
    assert sum(one.seconds for one in found) < 10


def test_a_callers_time_is_not_the_strategys(table: Table, tmp_path: Path, now: list[float]) -> None:
    problem = table.problem(Pareto({"latency": 1.0}))

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


def test_strategies_do_not_share_their_random_numbers(table: Table, tmp_path: Path) -> None:
    """The rank test assumes that the searches of two strategies are independent."""
    problem = table.problem(Pareto({"latency": 1.0}))
    found = list(run_searches(problem, {"a": random_search, "b": random_search}, [0, 1], 20, 0.0, tmp_path))
    drawn = {
        (one.strategy, one.seed): [e.candidate.arch for e in found if (e.strategy, e.seed) == (one.strategy, one.seed)]
        for one in found
    }
    assert len({*map(tuple, drawn.values())}) == 4


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
    objective = Pareto({"latency": max(table.latency.values())})
    problem = table.problem(objective)
    exact = table.front(objective)
    archs = sorted(table.accuracy)
    searched = [Evaluation("x", 0, problem.evaluate(arch), 1.0) for arch in archs]
    report = table.report(objective)
    own = trace(searched, exact, objective, report)
    seen = [one.candidate.score for one in searched]
    scores = [report(one.candidate).score for one in searched]
    chosen = [int(np.argmax(seen[: end + 1])) for end in range(len(seen))]
    assert own.regret.tolist() == pytest.approx([max(scores) - scores[index] for index in chosen])
    best_front = [report(c) for c in front(one.candidate for one in searched)]
    assert own.share[-1] == pytest.approx(share(best_front, exact))
    assert own.share[-1] < 1  # it searches by another accuracy than the reported one
    alone = trace([Evaluation("x", 0, report(one.candidate), 1.0) for one in searched], exact, objective, as_seen)
    assert alone.share[-1] == pytest.approx(1)
    assert (np.diff(alone.share) >= 0).all()


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_95_percent_intervals_hold_the_mean_in_95_percent_of_cases(seeds: int) -> None:
    values = np.random.default_rng(seeds).normal(3.0, 2.0, size=(seeds, 40_000))
    mean, low, high = interval(values)
    assert np.mean((low <= 3.0) & (high >= 3.0)) == pytest.approx(0.95, abs=0.01)
    assert (low <= mean).all()
    assert (mean <= high).all()


def test_one_seed_has_no_interval(run: Run) -> None:
    folder = run(*SHORT, "compare.seeds=1")
    assert {curve.share_low for curve in read(folder, Curve)} == {None}
    figure.draw(folder)


def test_the_hypervolume_ends_at_the_nadir_times_1_1() -> None:
    """For a front of two, the faster network's share is its rectangle; the objectives' scales do not matter."""
    for errors, seconds in ((1.0, 1.0), (0.5, 1e-3)):
        exact = [
            Candidate((0,), 1 - 0.4 * errors, {"latency": 1 * seconds}, 0.0, True),
            Candidate((1,), 1 - 0.2 * errors, {"latency": 3 * seconds}, 0.0, True),
        ]
        whole = 1.1 * 0.1 + 0.1 * 1.1 - 0.1 * 0.1
        assert share(exact[:1], exact) == pytest.approx(1.1 * 0.1 / whole)
        assert share(exact, exact) == pytest.approx(1)
        far = Candidate((2,), 1 - 0.5 * errors, {"latency": 1 * seconds}, 0.0, True)  # beyond the reference point
        assert share([far], exact) == 0
        late = replace(exact[1], feasible=False)
        assert share([late], exact) == 0
    assert share(exact[:1], exact[:1]) == pytest.approx(1)  # a front of one network has no extent


# Significance


def values_of(traces: dict[str, Sequence[float]]) -> dict[str, list[Trace]]:
    """Returns one search per seed that ends with that share."""
    return {name: [course([1.0], [value]) for value in values] for name, values in traces.items()}


def test_equal_strategies_do_not_differ_and_different_ones_do() -> None:
    same = [0.01 * seed for seed in range(10)]
    found = pair_rows(values_of({"random": same, "b": same, "c": [value + 0.5 for value in same]}))
    for row in found:
        assert row["significant"] == ("c" in (row["a"], row["b"])) or row["p"] == 1
    assert {row["p"] for row in found if "c" not in (row["a"], row["b"])} == {1.0}


def test_all_that_is_published_together_is_one_family() -> None:
    """With twelve comparisons (three pairs, two measures, two budgets), the smallest p is multiplied by twelve."""
    same = [0.01 * seed for seed in range(8)]
    found = pair_rows(values_of({"random": same, "b": [v + 0.003 for v in same], "c": [v + 0.5 for v in same]}))
    assert len(found) == 12
    raw = mannwhitneyu(same, [v + 0.5 for v in same], method="exact").pvalue
    assert min(row["p"] for row in found) == pytest.approx(12 * raw)


@pytest.mark.parametrize("seeds", [2, 4, 5])
def test_below_six_seeds_nothing_is_significant(seeds: int) -> None:
    low, high = [0.01 * seed for seed in range(seeds)], [0.5 + 0.01 * seed for seed in range(seeds)]
    assert not any(row["significant"] for row in pair_rows(values_of({"random": low, "b": high})))
    assert not significant(0.0, seeds)


def test_holm_is_between_no_correction_and_bonferronis() -> None:
    raw = [0.01, 0.04, 0.03, 0.5]
    assert holm(raw) == pytest.approx([0.04, 0.09, 0.09, 0.5])


@pytest.mark.parametrize("comparisons", [1, 4, 12, 40, 60])
def test_fewer_seeds_than_needed_cannot_show_a_difference(comparisons: int) -> None:
    needed = seeds_needed(comparisons)
    for seeds in range(2, needed + 1):
        p = mannwhitneyu(range(seeds), range(seeds, 2 * seeds), method="exact").pvalue * comparisons
        assert significant(p, seeds) == (seeds == needed)


# The paper


def pair(a: str, b: str, differ: bool, measure: str = "share", seeds: int = 8) -> Pair:
    means = {"share": {"nsga2": 0.98, "evolution": 0.97, "random": 0.9}, "regret": {"nsga2": 0.0, "random": 0.3}}[
        measure
    ]
    return Pair("evaluations", 60, measure, a, b, means[a], means[b], 0.01 if differ else 0.3, differ, seeds, 7)


def test_words_follow_the_verdicts() -> None:
    ahead, behind, even = (
        partial(pair, *names) for names in (("nsga2", "random"), ("evolution", "random"), ("nsga2", "evolution"))
    )
    said = comparison.verdict([ahead(True), behind(True), even(False)])
    assert said == "nsga2 and evolution are significantly better than random; other pairs do not differ significantly"
    assert comparison.verdict([ahead(False), behind(False)]) == "no two strategies differ significantly"
    assert "6 seeds cannot show it, 7 or more can" in comparison.verdict([ahead(False, seeds=6)])
    few = comparison.verdict([ahead(True, seeds=5)])
    assert few == "5 seeds cannot show a significant difference, 7 or more are needed"
    assert comparison.verdict([pair("random", "nsga2", True, "regret")]) == "nsga2 is significantly better than random"


def test_the_paper_tells_of_a_comparison_where_there_is_one(whole: Whole, tmp_path: Path) -> None:
    assert set(comparison.macros(tmp_path / "results").values()) == {""}
    assert {path.name for path in whole.results.glob("*.csv")} == PUBLISHED
    said = comparison.macros(whole.results)
    assert said["ComparedProblem"].startswith(
        "The problem is small; random, nsga2 and evolution searched with 2 seeds each"
    )
    assert "After 12 evaluations the mean hypervolume is" in said["ComparedEvaluations"]
    assert "2 seeds cannot show a significant difference" in said["ComparedEvaluations"]
    assert "The searches saw accuracy\\_12epoch\\_percent" in said["ComparedProblem"]
    assert "objective pareto; it was made by commit" in said["ComparedSetup"]
    for name in ("first.pdf", "second.pdf"):
        style.save(figure.draw(whole.results), tmp_path / name)
    assert (tmp_path / "first.pdf").read_bytes() == (tmp_path / "second.pdf").read_bytes()


@pytest.mark.skipif(shutil.which("latexmk") is None, reason="latexmk is not installed")
def test_the_paper_is_built_with_a_comparison(whole: Whole, begun: Path, tmp_path: Path) -> None:
    """LaTeX starts from the references of a paper without one."""
    results = tmp_path / "results"
    shutil.copytree(Path(build.__file__).parent / "results", results)
    for name in PUBLISHED:
        (results / name).unlink(missing_ok=True)
    shutil.copytree(whole.results, results, dirs_exist_ok=True)
    listed(results)
    build.sources(results, begun)
    build.typeset(begun)
    log = (begun / "paper.log").read_text(errors="replace")
    assert "undefined" not in log
    assert r"Overfull \hbox" not in log  # the last page's columns are balanced, to within some points
    (results / "curves.csv").unlink()
    with pytest.raises(macros.ResultError, match=r"curves\.csv is missing; .*experiments\.compare publish=true"):
        build.sources(results, begun)


@pytest.mark.parametrize(("budget", "warned"), [(5, {"evolution", "surrogate"}), (25, {"evolution"}), (26, set())])
def test_a_budget_within_the_first_population_is_warned_of(budget: int, warned: set[str]) -> None:
    options = {
        "random": {},
        "evolution": {"population": 25, "tournament": 10},
        "surrogate": {"initial": 15, "batch": 4},
    }
    lines = [*unguided([StrategyConfig(name, own) for name, own in options.items()], budget)]
    assert {name for name in options if any(f"{name}'s first population" in line for line in lines)} == warned
    assert len(lines) == len(warned)
