"""The text on candidates of which more was measured: timed on the device, or trained from scratch as finalists."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from operator import ne

from paper.candidate_rows import Candidate, winner_of
from paper.latex import count
from paper.setup_file import Setup


def rejected(candidates: Sequence[Candidate]) -> str:
    """Which candidates are not evaluated."""
    timed = any(one.timed for one in candidates)
    return "whose predicted latency is clearly beyond the bound" if timed else "beyond the latency bound"


def timed_sentence(candidates: Sequence[Candidate]) -> str:
    """Empty if no candidate was timed during the search."""
    timed = len({one.arch for one in candidates if one.timed})
    if not timed:
        return ""
    near, whose, was = ("it meets", "its latency", "was") if timed == 1 else ("they meet", "their latencies", "were")
    return (
        f"For {count(timed)} of the architectures the prediction left open whether {near} the target: {whose} {was} "
        "measured on the device during the search. "
    )


def sentence(candidates: Sequence[Candidate], run: Setup) -> str:
    """Empty if the supernet chose the winner."""
    trained = [one.arch.split("-") for one in candidates if one.trained_accuracy is not None]
    if not trained:
        return ""
    layers = min(sum(map(ne, one, other)) for one, other in combinations(trained, 2))
    passes = f"{run.number('finalist_passes'):g}"
    apart = f"{count(layers)} {'layer' if layers == 1 else 'layers'}"
    allowed = sorted({one.arch: one.score for one in candidates if one.feasible}.values(), reverse=True)
    place = count(1 + allowed.index(winner_of(candidates).score))
    return (
        f"{count(len(trained))} candidates were trained from scratch for {passes} "
        f"{'pass' if passes == '1' else 'passes'}: the best one, then always the next best one that differs from those "
        f"before it in at least {apart}. The winner has the best score by its validation accuracy then; with inherited "
        f"weights it was number {place} of {count(len(allowed))}."
    )
