"""Runs a strategy; the supernet and the latency table evaluate its candidates, and the best one is kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random

from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from experiments.compute.accelerator import accelerator
from experiments.compute.parallel_evaluation import spread
from experiments.config.choices import strategy_of
from experiments.data.dataset import Dataset
from experiments.display import events
from experiments.display.progress import console, say, track
from experiments.setup.images import placed
from experiments.setup.targets import costs_of, idle_targets, objective_of
from experiments.steps.candidate_timing import with_timing
from experiments.steps.settings import Search
from experiments.steps.train import prepare
from experiments.steps.winner_files import shown_costs, summary, write_files
from experiments.store import journal
from experiments.store.candidate_records import to_json
from experiments.store.step import Means
from experiments.store.weights import load_supernet
from experiments.store.winner import CANDIDATES
from predictors.metrics.prediction_interval import margin
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import read_table
from search_spaces.networks.evaluation import Images
from search_spaces.networks.supernet import Supernet
from search_spaces.space import Arch
from strategies.problems.problem import Candidate, Problem, best
from strategies.problems.search import search as run_strategy
from strategies.problems.supernet_problem import supernet_problem


def problem_of(
    settings: Search, means: Means, data: Dataset, net: Supernet, table: LatencyTable, calibration: Images
) -> Problem:
    """The problem that every strategy solves.

    A relaxation's weights learn from training images, as the supernet's did, and its distribution from validation
    images, which never train weights (Liu et al. 2019, eq. 3 and 4).
    """
    learned_on, size = (data, replace(data, train=data.validation)), settings.batch
    assert size is not None

    def batches(step: int) -> tuple[Tensor, Tensor]:
        return learned_on[step % 2].batch(step // 2, size, settings.seed + 1)

    problem = supernet_problem(
        net,
        costs_of(settings.objective, settings.precision, net.space, table),
        objective_of(settings.objective, settings.precision, net.space, table),
        batches,
        calibration,
        data.fixed(data.validation, settings.search.validation, settings.seed),
    )
    return replace(problem, accuracies=spread(problem.accuracies, means.jobs, means.backend, settings.threads))


def work(settings: Search, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Searches; an interrupted search continues where it stopped."""
    prepare(settings.threads, settings.seed)
    space, latencies = settings.space, read_table(files["table"])
    data = placed(settings.data.at(means), settings.accelerator)
    net = load_supernet(files["supernet"], space).to(accelerator(settings.accelerator))
    calibration = data.fixed(data.train, settings.search.calibration, settings.seed)[0]
    problem = problem_of(settings, means, data, net, latencies, calibration)
    doubt = margin(latencies, settings.precision) if settings.timing else 1.0
    if remark := idle_targets(settings.objective, settings.precision, space, latencies, doubt):
        say(remark)
    if settings.timing:
        problem = with_timing(problem, settings, means, latencies, folder)
    found = _searched(settings, problem, folder)
    write_files(settings, latencies, net, calibration, found, {}, folder)


def _searched(settings: Search, problem: Problem, folder: Path) -> list[Candidate]:
    """All candidates, those of an interrupted search first."""
    log = folder / CANDIDATES
    known = {tuple(record["arch"]): record["accuracy"] for record in journal.read(log)}
    if known:
        console.print(f"resuming after {len(known)} candidates from {log}")
    problem.memo.update(known)
    budget = min(settings.search.budget, settings.space.size)
    candidates = run_strategy(strategy_of(settings.strategy), problem, Random(settings.seed), budget)
    with events.writer(folder) as board:
        tracked = track(candidates, f"searching by {settings.strategy.name}", budget, best_so_far())
        found = followed(tracked, known, log, board)
    if len(found) < budget:
        console.print(f"the search ended after {len(found)} of {budget} candidates: it found no more feasible networks")
    return found


def followed(
    candidates: Iterable[Candidate], known: Collection[Arch], log: Path, board: SummaryWriter
) -> list[Candidate]:
    """All candidates. Each is shown when it is found, and written to the journal if it is new."""
    found: list[Candidate] = []
    leaders: list[Candidate] = []
    for candidate in candidates:
        if candidate.arch not in known:
            journal.append(log, to_json(candidate))
        found.append(candidate)
        leaders.append(best([*leaders[-1:], candidate]))
        _show_candidate(board, candidate, leaders[-1], len(found))
    return found


def _show_candidate(board: SummaryWriter, candidate: Candidate, best_so_far: Candidate, count: int) -> None:
    board.add_scalar("candidate/accuracy", candidate.accuracy, count)
    for name, value in shown_costs("candidate", candidate.costs).items():
        board.add_scalar(name, value, count)
    board.add_scalar("candidate/score", candidate.score, count)
    board.add_scalar("candidate/best_score", best_so_far.score, count)


def best_so_far() -> Callable[[Candidate], str]:
    """For the progress bar: given each candidate, describes the best so far, by the objective's score."""
    leaders: list[Candidate] = []

    def describe(candidate: Candidate) -> str:
        leaders[:] = [best([*leaders, candidate])]
        return f"best so far {summary(leaders[0])}"

    return describe
