"""Sentences on how strategies were compared: on what, by which objective, and by which statistics."""

from __future__ import annotations

from paper import data_sets, published_networks
from paper.compression_rows import PRECISION_NAMES
from paper.latex import escape, ms
from paper.setup_file import Setup


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
    )


def statistics(made: Setup | None) -> str:
    """Sentences on the meaning of significant, and on seconds."""
    test = r"Mann and Whitney's test~\cite{mann1947test} over the seeds, corrected~\cite{holm1979simple}"
    if made is None:
        return f"{test} for the pairs of one measure and budget, decides which differences are significant."
    return (
        f"Each strategy and seed has its own random numbers. {test} for all pairs, measures and budgets together, "
        "decides at a level of one in twenty which differences are significant. Every search is charged the time that "
        "it would have taken alone."
    )
