"""The text on candidates of which more was measured: timed on the device, or trained from scratch as finalists."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from operator import ne

from paper.candidate_rows import Candidate
from paper.latex import count
from paper.setup_file import Setup


def timed_sentence(candidates: Sequence[Candidate]) -> str:
    """Empty if no candidate was timed during the search."""
    timed = len({one.arch for one in candidates if one.timed})
    if not timed:
        return ""
    near, whose, was = ("it meets", "its latency", "was") if timed == 1 else ("they meet", "their latencies", "were")
    return (
        f"For {count(timed)} of them the prediction left open whether {near} the target: {whose} {was} measured on the "
        "device during the search. "
    )


def sentence(candidates: Sequence[Candidate], run: Setup) -> str:
    """Empty if the supernet chose the winner."""
    trained = [one.arch.split("-") for one in candidates if one.trained_accuracy is not None]
    if not trained:
        return ""
    layers = min(sum(map(ne, one, other)) for one, other in combinations(trained, 2))
    passes = f"{run.number('finalist_passes'):g}"
    apart = f"{count(layers)} {'layer' if layers == 1 else 'layers'}"
    return (
        f"Of the best candidates, {count(len(trained))} that differ from each other in at least {apart} were trained "
        f"from scratch for {passes} {'pass' if passes == '1' else 'passes'}; the winner is the one with the best score "
        "by its validation accuracy then."
    )
