"""Sentences on how strategies were compared: on what, by which objective, and by which statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from paper import data_sets, published_networks
from paper.compression_rows import PRECISION_NAMES
from paper.latex import escape, ms
from paper.setup_file import Setup


@dataclass(frozen=True)
class Unit:
    """What strategies are compared by, and how its values are written."""

    name: str
    written: Callable[[float], str]


def subject(problem: str, made: Setup | None) -> str:
    """What was searched: a space with its images, or the networks of a file."""
    if made is None or published_networks.are_in(made) or not {"space", "data", "precision"} <= made.values.keys():
        return published_networks.cited(problem)
    precision = PRECISION_NAMES.get(made.text("precision"), made.text("precision"))
    return f"the space {escape(made.text('space'))} with {data_sets.source(made)} and latencies in {escape(precision)}"


def published(made: Setup | None) -> str:
    """Sentences on the file of published networks; empty for a supernet."""
    if made is None or not published_networks.are_in(made):
        return ""
    return published_networks.columns(made) + published_networks.latencies(made)


def setup(made: Setup | None) -> str:
    """A sentence on the objective."""
    if made is None:
        return (
            "The comparison of strategies was made by older code: its files do not record their set-up (target, "
            "supernet and commit)."
        )
    target, objective = made.optional("target_ms"), made.text("objective")
    limit = f" of {ms(target / 1e3)}" if target else ""
    words = {
        "bounded": f"accuracy under a hard latency limit{limit}",
        "pareto": "the Pareto front",
        "mnasnet": rf"the score of equation~\eqref{{eq:score}} with a target{limit}",
    }
    return f"The objective in the comparison of strategies is {words.get(objective, escape(objective))}."


def in_points(made: Setup | None) -> bool:
    """Whether the score is an accuracy."""
    return made is not None and made.values.get("objective") == "bounded"


def unit(made: Setup | None) -> Unit:
    """Regret in points of accuracy, or in score."""
    if in_points(made):
        return Unit("regret", lambda value: f"{100 * value:.2f} points")
    return Unit("regret", lambda value: f"{value:.4f}")


def regret(made: Setup | None) -> str:
    """Sentences on what regret is, and on what the searches do not aim at."""
    if not in_points(made):
        told = "Regret is the difference between the best score so far and the best of all"
        alone = made is not None and made.values.get("objective") == "pareto"
        return f"{told}, where a network's score is the volume that it dominates on its own." if alone else f"{told}."
    by, weights = "by which the best network so far within the limit falls short of the best of all", ""
    if made is not None and published_networks.are_in(made):
        return f"Regret is the number of points {by}, in the accuracy by which choices are judged."
    weights = "validation accuracy with inherited weights"
    return (
        f"Regret is the number of points of {weights} {by}. The objective is that accuracy, so searches aim at a low "
        "regret, not at a large hypervolume."
    )


def caption(made: Setup | None) -> str:
    """Sentences on what the figure shows."""
    if made is None:
        return (
            "The hypervolume's reference point is the slowest network with an accuracy of zero; bands are bootstrap "
            "intervals."
        )
    return (
        r"The hypervolume's reference point is the reference front's nadir times 1.1, with that front's objectives "
        r"normalised to 0 and 1~\cite{ishibuchi2018reference}; bands are 95\,\% intervals of the mean by Student's $t$."
        " The scales show what is reached after a tenth of the evaluations."
    )


def statistics(made: Setup | None) -> str:
    """Sentences on the meaning of significant, and on seconds."""
    test = r"Mann and Whitney's test~\cite{mann1947test} over the seeds, corrected~\cite{holm1979simple}"
    if made is None:
        return f"{test} for the pairs of one measure and budget, decides which differences are significant."
    return (
        f"Each strategy and seed has its own random numbers. {test} for all pairs, measures and budgets together, "
        "decides at a level of one in twenty which differences are significant. A search is charged the time of each "
        "evaluation, even if an earlier search had made the same one."
    )
