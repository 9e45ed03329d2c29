"""The text on candidates of which more was measured: timed on the device, or trained from scratch as finalists."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from operator import ne

from scipy.stats import kendalltau

from paper.candidate_rows import Candidate, winner_of
from paper.latex import against, count
from paper.setup_file import Setup
from paper.significance import by_chance

FEWEST = 4  # finalists whose two rankings are compared


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


def ranking(candidates: Sequence[Candidate], run: Setup) -> str:
    """Sentences on how the finalists' two rankings agree, and on the winner's lead; empty for few finalists."""
    trained = [one for one in candidates if one.trained_accuracy is not None]
    if len(trained) < FEWEST:
        return ""
    before, after = [one.accuracy for one in trained], [one.trained_accuracy or 0.0 for one in trained]
    tau = kendalltau(before, after).statistic
    if math.isnan(tau):  # all are equally accurate
        return ""
    told = (
        f"Among the {count(len(trained))} candidates that were trained, Kendall's $\\tau$ between the accuracies with "
        f"inherited weights and after this training is {f'{tau:z.2f}'.replace('-', '$-$')}"
    )
    first, second = sorted(after, reverse=True)[:2]
    if winner_of(candidates).trained_accuracy != first or first == second or not run.values.get("validation_images"):
        return f"{told}. "
    lead, bound = 100 * (first - second), by_chance(first, second, run.number("validation_images"))
    doubt = "not " if lead <= bound else ""
    return (
        f"{told}; on the validation images the winner is {against(lead, bound)} points more accurate than the next "
        rf"one, a difference that is {doubt}significant ($\pm${against(bound, lead)}). "
    )
