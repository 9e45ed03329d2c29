"""Compares all strategies with the same budget and several seeds.

The problem is a supernet, or with compare.csv=PATH a file of published networks. An interrupted comparison continues
where it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from experiments.comparison import compared_problem, published_problem
from experiments.comparison import setup as comparison_setup
from experiments.comparison import summary as comparison_summary
from experiments.comparison.compared_problem import (
    ComparedProblem,
    OnSupernet,
    Settings,
    of_supernet,
)
from experiments.comparison.contestants import contestants, left_out, unguided
from experiments.comparison.published_problem import OnPublished, of_published
from experiments.comparison.seeded_searches import Evaluation, run_searches
from experiments.comparison.significance import holm, rank_test, seeds_needed, significant
from experiments.config import Config
from experiments.config.choices import strategy_of
from experiments.display import events
from experiments.display.progress import console, track
from experiments.display.search_curves import AGAINST, MEASURES, Trace, common, curves, trace
from experiments.steps.plan import plan_of
from experiments.steps.winner_files import best_metrics
from experiments.store import artefacts
from experiments.store.step import Means
from paper.comparison import BASELINE, EXACT
from paper.figures import compare as figure
from paper.rows import Curve, Pair
from predictors.costs import columns
from search_spaces.errors import LutraError
from strategies.problems.problem import best, front
from strategies.quality.regret import Report

PUBLISHED = ("compare.csv", "curves.csv", "pairs.csv")
Searches = Mapping[str, Sequence[Sequence[Evaluation]]]  # strategy -> one search per seed
Traces = Mapping[str, Sequence[Trace]]  # likewise


def compare(config: Config) -> Path:
    """The folder of compare.csv, curves.csv, pairs.csv and the figure. Prints which differences are significant."""
    if config.csv:
        raise LutraError(f"csv= is for experiments.fidelity: give compare.csv={config.csv}")
    common: dict[str, Any] = {
        "strategies": contestants(config),
        "objective": config.objective,
        "compare": replace(config.compare, strategies=[], csv=""),
        "seed": config.seed,
    }
    step = (of_published if config.compare.csv else of_supernet)(config, common)
    for line in [*left_out(config), *unguided(common["strategies"], config.search.budget)]:
        console.print(line, highlight=False, soft_wrap=True)
    folder = plan_of(config).folder(step)
    if config.publish:
        now = {} if config.compare.csv else {"data_file": config.data.names.file}  # the folder may have been renamed
        comparison_setup.publish(folder, Path(config.results), PUBLISHED, now=now)
    comparison_summary.show(folder)
    return folder


def on_supernet(settings: OnSupernet, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    _compare(settings, files, compared_problem.on_supernet(settings, files, means), folder)


def on_published(settings: OnPublished, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    _compare(settings, files, published_problem.on_published(settings, files, means), folder)


def _compare(settings: Settings, files: Mapping[str, Path], compared: ComparedProblem, folder: Path) -> None:
    comparison_setup.write(folder, settings, files, compared)
    searches = _searches(settings, compared, folder)
    found = [compared.report(one.candidate) for own in searches.values() for search in own for one in search]
    reference = compared.exact or front(one for one in found if one.feasible) or front(found)
    traces = {
        name: [trace(search, reference, compared.problem.objective, compared.report) for search in own]
        for name, own in searches.items()
    }
    facts: dict[str, Any] = {"problem": compared.title, "reference": EXACT if compared.exact else "union of all found"}
    artefacts.write_csv(folder / "compare.csv", candidate_rows(searches, compared.report))
    artefacts.write_csv(folder / "curves.csv", [asdict(Curve(**facts, **row)) for row in curves(traces)])
    artefacts.write_csv(folder / "pairs.csv", pair_rows(traces))
    _draw(settings, compared, folder, searches, traces)


def _searches(settings: Settings, compared: ComparedProblem, folder: Path) -> Searches:
    strategies = {one.name: strategy_of(one) for one in settings.strategies}
    seeds = range(settings.seed, settings.seed + settings.compare.seeds)
    budgets = compared.budget, settings.compare.seconds
    running = run_searches(compared.problem, strategies, seeds, *budgets, folder, compared.jobs)
    searches: dict[str, list[list[Evaluation]]] = {name: [[] for _ in seeds] for name in strategies}
    total = compared.budget * len(strategies) * len(seeds)
    for one in track(running, "comparing", total, lambda one: f"{one.strategy}, seed {one.seed}"):
        searches[one.strategy][one.seed - settings.seed].append(one)
    return searches


def candidate_rows(searches: Searches, report: Report) -> list[dict[str, Any]]:
    """Every candidate in order; the search saw `accuracy`, its front is judged by `reported`."""
    return [
        {
            "strategy": one.strategy,
            "seed": one.seed,
            "index": index,
            "arch": artefacts.arch_name(one.candidate.arch),
            "accuracy": one.candidate.accuracy,
            "reported": report(one.candidate).accuracy,
            **columns(one.candidate.costs),
            "score": one.candidate.score,
            "feasible": one.candidate.feasible,
            "seconds": one.seconds,
        }
        for own in searches.values()
        for search in own
        for index, one in enumerate(search)
    ]


def pair_rows(traces: Traces) -> list[dict[str, Any]]:
    """Every pair of strategies at the budget that all searches share, in evaluations and in seconds, by each measure.

    All rows are one family of comparisons.
    """
    rows: list[dict[str, Any]] = []
    raw = []
    for against in AGAINST:
        at = common(traces, against)
        for measure in MEASURES:
            values = {
                name: [one.at(measure, against, np.array([at])).item() for one in own] for name, own in traces.items()
            }
            for a, b in combinations(values, 2):
                raw.append(rank_test(values[a], values[b]))
                means = {"mean_a": np.mean(values[a]).item(), "mean_b": np.mean(values[b]).item()}
                rows.append({"against": against, "at": at, "measure": measure, "a": a, "b": b, **means})
    seeds = len(traces[BASELINE])
    needed = seeds_needed(len(rows))
    return [
        asdict(Pair(**row, p=p, significant=significant(p, seeds), seeds=seeds, seeds_needed=needed))
        for row, p in zip(rows, holm(raw))
    ]


def _draw(settings: Settings, compared: ComparedProblem, folder: Path, searches: Searches, traces: Traces) -> None:
    """Draws the figure, and writes a TensorBoard run for each search: its curve, hyperparameters and results."""
    with events.writer(folder) as board:
        events.show_figure(board, folder, "compare", figure.draw(folder))
    for name, own in searches.items():
        for search, one in zip(own, traces[name]):
            seed, winner = search[0].seed, compared.report(best(found.candidate for found in search))
            finals = {f"final/{measure}": getattr(one, measure)[-1].item() for measure in (*MEASURES, "seconds")}
            chosen = {"space": compared.facts["space"], "data": compared.data, "strategy": name}
            chosen |= {"objective": settings.objective.name, "seed": seed}
            with events.writer(folder / f"{name}-seed{seed}") as board:
                for measure in MEASURES:
                    for at, value in enumerate(getattr(one, measure).tolist(), 1):
                        board.add_scalar(measure, value, at)
                events.show_choices(board, chosen, finals | best_metrics(winner))
