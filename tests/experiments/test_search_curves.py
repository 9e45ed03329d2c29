"""Tests the curves of a comparison: regret and hypervolume of searches, with intervals over seeds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.comparison.seeded_searches import Evaluation
from experiments.comparison.summary import show
from experiments.display.search_curves import common, curves, interval, trace
from experiments.store import artefacts
from experiments.studies.compare import pair_rows
from paper import unfinished_searches
from paper.rows import Curve
from paper.setup_file import Setup
from strategies.problems.objective import Pareto
from strategies.problems.problem import Candidate, front
from strategies.problems.tabular_problem import Table
from strategies.quality.regret import as_seen, share
from tests.experiments.comparisons import course


def test_a_search_that_ran_out_of_seconds_is_judged_by_what_it_had() -> None:
    slow, fast = course([10, 10], [0.1, 0.2]), course([1, 1, 1], [0.1, 0.2, 0.3])
    facts = {"problem": "p", "reference": "r"}
    rows = [Curve(**(facts | row)) for row in curves({"slow": [slow], "fast": [fast]})]
    last = [row for row in rows if (row.strategy, row.against) == ("slow", "evaluations")][-1]
    assert (last.at, last.evaluations, last.share) == (3, 2, 0.2)
    told = (
        "{}, slow completed only 2 of the 3 evaluations, so it is compared only by seconds; its mean hypervolume after "
    )
    limit = Setup(Path(), {"seconds_limit": "9.0"})
    assert unfinished_searches.stopped(rows) == told.format("In the given time") + "these evaluations is 20.0 %."
    assert unfinished_searches.stopped(rows, limit) == told.format("Within 9 s") + "these evaluations is 20.0 %."
    assert unfinished_searches.stopped(row for row in rows if row.strategy == "fast") == ""


def test_the_table_has_no_value_for_evaluations_that_a_search_did_not_finish(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slow, fast = course([10, 10], [0.1, 0.2]), course([1, 1, 1], [0.1, 0.2, 0.3])
    traces = {"slow": [slow, slow], "random": [fast, fast]}
    artefacts.write_csv(tmp_path / "curves.csv", [{"problem": "p", "reference": "r"} | row for row in curves(traces)])
    artefacts.write_csv(tmp_path / "pairs.csv", pair_rows(traces))
    show(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    ended = {name: sum(line.count("not reached") for line in lines if f" {name} " in line) for name in traces}
    assert ended == {"slow": 2, "random": 0}


def test_a_search_that_repeats_itself_at_its_end_counts_as_finished() -> None:
    short, whole = (course([1.0] * count, [0.1] * count) for count in (19, 20))
    facts = {"problem": "p", "reference": "r"}
    rows = [Curve(**(facts | row)) for row in curves({"short": [short], "whole": [whole]})]
    assert unfinished_searches.unfinished(rows) == {}


def test_a_trace_is_a_step_function() -> None:
    one = course([1, 1, 2], [0.2, 0.5, 0.9])
    assert one.at("share", "seconds", np.array([1, 1.5, 2, 3.9, 4, 50])).tolist() == [0.2, 0.2, 0.5, 0.5, 0.9, 0.9]
    assert one.at("regret", "evaluations", np.array([1, 3, 9])).tolist() == pytest.approx([0.8, 0.1, 0.1])


def test_the_common_budget_is_the_longest_in_evaluations_and_the_shortest_in_seconds_once_all_have_begun() -> None:
    slow, fast = course([10, 10], [0.1, 0.2]), course([1, 1, 1], [0.1, 0.2, 0.3])
    assert common({"slow": [slow], "fast": [fast]}, "evaluations") == 3
    assert common({"slow": [slow], "fast": [fast]}, "seconds") == 10
    assert {row["at"] for row in curves({"fast": [fast], "slow": [slow]}) if row["strategy"] == "fast"} >= {3, 10}


def test_regret_is_to_the_best_feasible_score(tabular: Table) -> None:
    objective = Pareto({"latency": max(tabular.latency.values())})
    problem = tabular.problem(objective)
    exact = tabular.front(objective)
    archs = sorted(tabular.accuracy)
    searched = [Evaluation("x", 0, problem.evaluate(arch), 1.0) for arch in archs]
    report = tabular.report(objective)
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
