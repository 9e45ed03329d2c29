"""A strategy asks, the supernet and the table answer; one candidate wins."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from typing import Any

from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from experiments import artefacts, events, journal
from experiments.accelerator import accelerator
from experiments.architecture import layer_rows, text
from experiments.candidate_records import to_json
from experiments.choices import space_of, strategy_of
from experiments.config import Config
from experiments.data.dataset import Dataset
from experiments.images import training_data
from experiments.keys import accelerator_key, data_key, objective_key, search_key, space_key
from experiments.parallel_evaluation import spread
from experiments.progress import console, track
from experiments.steps.measure import measure, read_table
from experiments.steps.train import prepare, train
from experiments.targets import costs_of, objective_of, targets_of
from experiments.weights import load_supernet, save_network
from experiments.winner import WINNER, Winner
from paper import rows
from paper.figures import architecture, pareto
from predictors import costs
from predictors.table import LatencyTable
from search_spaces.costs import macs, parameters
from search_spaces.evaluation import Images, calibrate
from search_spaces.space import Arch, SearchSpace
from search_spaces.supernet import Supernet
from strategies.objective import Costs
from strategies.problem import Candidate, Problem, best
from strategies.search import search as run_strategy
from strategies.supernet_problem import supernet_problem

CANDIDATES = "candidates.jsonl"


def search(config: Config) -> Path:
    """The search's folder: candidates.jsonl, winner.json, and the winner's inherited weights."""
    table = measure(config)
    objective_of(config, space_of(config), read_table(table))  # a target that no network meets is told before training
    supernet = train(config)
    settings = {
        "space": space_key(config),
        "data": data_key(config.data),
        "strategy": asdict(config.strategy),
        "objective": objective_key(config.objective),
        "search": search_key(config.search),
        "precision": config.precision,
        "seed": config.seed,
        "threads": config.threads,
        **accelerator_key(config),
    }
    inputs = {"table": artefacts.sha256(table), "supernet": artefacts.sha256(supernet)}
    label = f"{config.space.name}-{config.data.name}-{config.strategy.name}-{config.objective.name}-seed{config.seed}"
    return artefacts.step(
        Path(config.runs), "search", label, settings, inputs, lambda folder: _search(config, table, supernet, folder)
    )


def problem_of(config: Config, data: Dataset, net: Supernet, latencies: LatencyTable, calibration: Images) -> Problem:
    """What every strategy is given.

    A relaxation's weights learn on training images, as the supernet's did, and its distribution on validation images,
    which no weights learn from (Liu et al. 2019, eq. 3 and 4).
    """
    learned_on = data, replace(data, train=data.validation)

    def batches(step: int) -> tuple[Tensor, Tensor]:
        return learned_on[step % 2].batch(step // 2, config.train.batch, config.seed + 1)

    problem = supernet_problem(
        net,
        costs_of(config, net.space, latencies),
        objective_of(config, net.space, latencies),
        batches,
        calibration,
        data.fixed(data.validation, config.search.validation, config.seed),
    )
    return replace(problem, accuracies=spread(problem.accuracies, config.search, config.threads))


def _search(config: Config, table: Path, supernet: Path, folder: Path) -> None:
    prepare(config.threads, config.seed)
    space, data, latencies = space_of(config), training_data(config), read_table(table)
    targets = {} if config.objective.name == "pareto" else targets_of(config, space, latencies)
    net = load_supernet(supernet, space).to(accelerator(config.accelerator))
    calibration = data.fixed(data.train, config.search.calibration, config.seed)[0]
    problem = problem_of(config, data, net, latencies, calibration)
    log = folder / CANDIDATES
    known = {tuple(record["arch"]): record["accuracy"] for record in journal.read(log)}
    if known:
        console.print(f"going on after {len(known)} candidates of {log}")
    problem.memo.update(known)
    budget = min(config.search.budget, space.size)
    candidates = run_strategy(strategy_of(config), problem, Random(config.seed), budget)
    with events.writer(folder) as board:
        tracked = track(candidates, f"searching by {config.strategy.name}", budget, _tell)
        found, winner = followed(tracked, known, log, board)
        if len(found) < budget:
            console.print(f"the search ended after {len(found)} of {budget} candidates: it found no others that fit")
        artefacts.write_csv(folder / "candidates.csv", candidate_rows(config, space, found))
        layers = layer_rows(space.decode(winner.arch), latencies, config.precision)
        artefacts.write_csv(folder / "architecture.csv", layers)
        events.show_config(board, config)
        board.add_text("winner", text(rows.read(folder, rows.Layer)))
        events.show_figure(board, folder, "architecture", architecture.draw(folder))
        events.show_figure(board, folder, "pareto", pareto.plot(rows.read(folder, rows.Candidate), in_ms(targets)))
        events.show_hparams(board, config, best_metrics(winner))
    aim = f", target {costs.text(targets)}" if targets else ""
    console.print(f"winner {artefacts.arch_name(winner.arch)}: {_tell(winner)}{aim}{_lost(winner)}", highlight=False)
    save_network(folder / "inherited.safetensors", calibrate(net.extract(winner.arch), calibration))
    chosen = Winner(winner.arch, winner.accuracy, winner.costs, winner.score, str(problem.objective))
    artefacts.write(folder / WINNER, json.dumps(to_json(chosen), indent=1) + "\n")


def followed(
    candidates: Iterable[Candidate], known: Collection[Arch], log: Path, board: SummaryWriter
) -> tuple[list[Candidate], Candidate]:
    """All candidates, each shown as it comes and journalled where it is new, and the best of them."""
    found: list[Candidate] = []
    leaders: list[Candidate] = []
    for candidate in candidates:
        if candidate.arch not in known:
            journal.append(log, to_json(candidate))
        found.append(candidate)
        leaders.append(best([*leaders[-1:], candidate]))
        _show(board, candidate, leaders[-1], len(found))
    return found, leaders[-1]


def _show(board: SummaryWriter, candidate: Candidate, best_so_far: Candidate, count: int) -> None:
    board.add_scalar("candidate/accuracy", candidate.accuracy, count)
    for name, value in shown_costs("candidate", candidate.costs).items():
        board.add_scalar(name, value, count)
    board.add_scalar("candidate/score", candidate.score, count)
    board.add_scalar("candidate/best_score", best_so_far.score, count)


def in_ms(targets: Costs) -> float | None:
    return 1e3 * targets[costs.LATENCY] if targets else None


def _tell(candidate: Candidate) -> str:
    return f"{candidate.accuracy:.1%} at {costs.text(candidate.costs)}"


def _lost(candidate: Candidate) -> str:
    cost = candidate.discretization_cost
    return "" if cost is None else f", discretization cost {100 * cost:.1f} points"


def best_metrics(winner: Winner | Candidate) -> dict[str, float]:
    return {"best/accuracy": winner.accuracy, **shown_costs("best", winner.costs), "best/score": winner.score}


def shown_costs(prefix: str, values: Costs) -> dict[str, float]:
    """For TensorBoard: prefix/latency_ms."""
    units = {name: costs.unit(name) for name in values}
    return {f"{prefix}/{name}_{one.symbol}": one.scale * values[name] for name, one in units.items()}


def candidate_rows(config: Config, space: SearchSpace, found: Iterable[Candidate]) -> list[dict[str, Any]]:
    return [
        {
            "index": index,
            "strategy": config.strategy.name,
            "seed": config.seed,
            "arch": artefacts.arch_name(candidate.arch),
            "accuracy": candidate.accuracy,
            **costs.columns(candidate.costs),
            "score": candidate.score,
            "feasible": candidate.feasible,
            "discretization_cost": candidate.discretization_cost,
            "macs": macs(space.decode(candidate.arch)),
            "parameters": parameters(space.decode(candidate.arch)),
        }
        for index, candidate in enumerate(found)
    ]
