"""Writes the files of a finished search: its candidates, its winner, and the winner's layers and inherited weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.display import events
from experiments.display.architecture import layer_rows, text
from experiments.display.progress import console
from experiments.setup.targets import objective_of, targets_of
from experiments.steps.candidate_table import candidate_rows
from experiments.steps.settings import Search
from experiments.store import artefacts
from experiments.store.candidate_records import to_json
from experiments.store.weights import save_network
from experiments.store.winner import WINNER, Winner
from paper import rows
from paper.candidate_rows import winner_of
from paper.figures import architecture, pareto
from predictors import costs
from predictors.tables.table import LatencyTable
from search_spaces.networks.evaluation import Images, calibrate
from search_spaces.networks.supernet import Supernet
from search_spaces.space import Arch
from strategies.problems.objective import Costs
from strategies.problems.problem import Candidate


def write_files(
    settings: Search,
    latencies: LatencyTable,
    net: Supernet,
    calibration: Images,
    found: Sequence[Candidate],
    trained: Mapping[Arch, float],
    folder: Path,
) -> None:
    """Writes the search's files, shows the results in TensorBoard, and prints the winner.

    `trained`: the finalists' fractions of the validation images after their training; empty if there are none.
    """
    objective = objective_of(settings.objective, settings.precision, settings.space, latencies)
    artefacts.write_csv(folder / "candidates.csv", candidate_rows(settings, objective, found, trained))
    name = winner_of(rows.read(folder, rows.Candidate)).arch
    winner = next(one for one in found if artefacts.arch_name(one.arch) == name)
    layers = layer_rows(settings.space.decode(winner.arch), latencies, settings.precision)
    artefacts.write_csv(folder / "architecture.csv", layers)
    save_network(folder / "inherited.safetensors", calibrate(net.extract(winner.arch), calibration))
    chosen = Winner(winner.arch, winner.accuracy, winner.costs, winner.score, str(objective))
    artefacts.write(folder / WINNER, json.dumps(to_json(chosen), indent=1) + "\n")
    aim = settings.objective
    targets = {} if aim.name == "pareto" else targets_of(aim, settings.precision, settings.space, latencies)
    _show(settings, winner, targets, folder)
    _print(winner, targets, trained)


def _show(settings: Search, winner: Candidate, targets: Costs, folder: Path) -> None:
    """Shows the winner and all candidates in TensorBoard."""
    with events.more(folder) as board:
        board.add_text("winner", text(rows.read(folder, rows.Layer)))
        events.show_figure(board, folder, "architecture", architecture.draw(folder))
        shown = rows.read(folder, rows.Candidate)
        events.show_figure(board, folder, "pareto", pareto.plot(shown, in_ms(targets)))
        events.show_hparams(board, settings, best_metrics(winner))


def _print(winner: Candidate, targets: Costs, trained: Mapping[Arch, float]) -> None:
    name = f"{'winner' if trained else 'best candidate'} {artefacts.arch_name(winner.arch)}"
    target = f", target {costs.text(targets)}" if targets else ""
    message = f"{name}: {summary(winner)}{target}{_lost(winner)}"
    if not winner.feasible:
        message += "; no candidate meets the target"
    if trained:
        message += f", {trained[winner.arch]:.1%} after a short training, best of {len(trained)} finalists"
    console.print(message, highlight=False, soft_wrap=True)


def summary(candidate: Candidate) -> str:
    """Its accuracy and costs for people."""
    return f"{candidate.accuracy:.1%} at {costs.text(candidate.costs)}"


def in_ms(targets: Costs) -> float | None:
    return 1e3 * targets[costs.LATENCY] if targets else None


def _lost(candidate: Candidate) -> str:
    cost = candidate.discretization_cost
    return "" if cost is None else f", discretization cost {100 * cost:.1f} points"


def best_metrics(winner: Winner | Candidate) -> dict[str, float]:
    """For TensorBoard: the winner's accuracy, costs and score."""
    return {"best/accuracy": winner.accuracy, **shown_costs("best", winner.costs), "best/score": winner.score}


def shown_costs(prefix: str, values: Costs) -> dict[str, float]:
    """For TensorBoard: prefix/latency_ms."""
    units = {name: costs.unit(name) for name in values}
    return {f"{prefix}/{name}_{one.symbol}": one.scale * values[name] for name, one in units.items()}
