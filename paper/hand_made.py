"""The text that compares the winner with hand-made networks, from hand_made.csv: sentences and a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from paper import space_networks
from paper.compression_rows import HandMade
from paper.csv_records import ResultError
from paper.hand_made_names import CITED, name, saved
from paper.latex import escape, listed, ms, percent, significant
from paper.rows import FILES, read
from paper.setup_file import setup
from paper.significance import SAME_TIME, clearly_better, clearly_faster

ARTICLE = "the "
FEW = 2  # networks that the abstract names
WINNER, UNPRUNED = "winner", "winner, unpruned"  # more files of the winner are called "winner, saved 0.2"


def split(results: Path) -> tuple[dict[str, HandMade], list[HandMade]]:
    """Our files by name, and the hand-made networks. Raises ResultError if one of ours is missing."""
    rows = read(results, HandMade)
    ours = {row.stage: row for row in rows if row.stage.split(",")[0] == WINNER}
    for stage in (WINNER, UNPRUNED):
        if stage not in ours:
            raise ResultError(f"{results / FILES[HandMade]}: there is no row with stage={stage}")
    others = [row for row in rows if row.stage not in ours]
    if not others:
        raise ResultError(f"{results / FILES[HandMade]}: there is no hand-made network")
    return ours, others


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX. Raises ResultError."""
    ours, others = split(results)
    winner, unpruned, images = ours[WINNER], ours[UNPRUNED], setup(results).number("test_images")
    more = [row for stage, row in ours.items() if stage not in (WINNER, UNPRUNED)]
    pruned = setup(results).values.get("prune_saved")
    return {
        "PrunedBy": rf", the compressed winner by {100 * float(pruned):g}\,\%" if pruned else "",
        "HandMadeBeside": listed([CITED.get(other.stage, escape(other.stage)) for other in others]),
        "HandMadeBriefly": brief(winner, others, images),
        "HandMadeVerdict": verdict(winner, others, "the compressed winner", images),
        "HandMadeNearest": comparison(winner, others),
        "HandMadeMore": " ".join(
            f"{_sentence(beaten(row, others, _file(row), images))}{ahead(row, winner)}" for row in more
        ),
        "HandMadeUnpruned": verdict(unpruned, others, "the unpruned winner", images),
        "HandMadeUnprunedNearest": nearest(unpruned, others),
        **space_networks.macros(results, others),
    }


def verdict(ours: HandMade, others: Sequence[HandMade], subject: str = "the winner", images: float = math.inf) -> str:
    """A clause: which networks are both faster and more accurate than which, beyond chance, and which only faster.

    `images`: the number of test images.
    """
    worse = [other for other in others if clearly_faster(other, ours) and clearly_better(ours, other, images)]
    return (
        beaten(ours, others, subject, images)
        + "".join(f"; {name(other)} is faster, but {_points(other, ours)} accurate" for other in worse)
        + _only_faster(ours, others, subject, images)
    )


def brief(winner: HandMade, others: Sequence[HandMade], images: float) -> str:
    """A clause with numbers of networks in place of their names; with their names if there are few."""
    if len(others) <= FEW:
        return beaten(winner, others, "the compressed winner", images)
    behind = sum(_beats(winner, other, images) for other in others)
    ahead = sum(_beats(other, winner, images) for other in others)
    if not ahead and not behind:
        return (
            f"none of the {len(others)} hand-made networks is both faster and more accurate than the compressed "
            "winner, and the winner than none of them"
        )
    clause = (
        f"the compressed winner is both faster and more accurate than {behind or 'none'} of {len(others)} hand-made "
        "networks"
    )
    if not ahead:
        return f"{clause}, and none of them is both faster and more accurate than it"
    return f"{clause}; {ahead} {'is' if ahead == 1 else 'are'} both faster and more accurate than it"


def beaten(ours: HandMade, others: Sequence[HandMade], subject: str, images: float) -> str:
    """A clause: which networks are both faster and more accurate than which, beyond chance."""
    ahead = [name(other) for other in others if _beats(other, ours, images)]
    behind = [name(other) for other in others if _beats(ours, other, images)]
    clauses = [f"{subject} is both faster and more accurate than {listed(behind)}"] if behind else []
    if ahead:
        one = len(ahead) == 1
        whom = "it" if behind else subject
        clauses.append(f"{listed(ahead)} {'is' if one else 'are'} both faster and more accurate than {whom}")
    elif 0 < len(behind) < len(others):
        clauses.append("no hand-made network is both faster and more accurate than it")
    elif not behind:
        clauses.append(
            f"no hand-made network is both faster and more accurate than {subject}, nor {subject} than one of them"
        )
    return ", and ".join(clauses)


def _only_faster(ours: HandMade, others: Sequence[HandMade], subject: str, images: float) -> str:
    """Clauses on networks whose accuracies do not differ significantly, but whose latencies do; may be empty."""
    alike = [o for o in others if not clearly_better(o, ours, images) and not clearly_better(ours, o, images)]
    slower = [name(other) for other in alike if clearly_faster(ours, other)]
    faster = [name(other) for other in alike if clearly_faster(other, ours)]
    own = "the difference in accuracy is not significant"
    clauses = [f"; {subject} is faster than {listed(slower)}, but {own}"] if slower else []
    if faster:
        clauses.append(f"; {listed(faster)} {'is' if len(faster) == 1 else 'are'} faster than {subject}, but {own}")
    return "".join(clauses)


def comparison(ours: HandMade, others: Sequence[HandMade]) -> str:
    """Sentences on the latency of the hand-made networks with the nearest and with the highest accuracy."""
    near, best = _nearest(ours, others), max(others, key=lambda row: row.test_accuracy)
    if near is not best:
        most = f"The most accurate hand-made network is {name(best)}, with {_relative(best, ours)}."
        return f"{nearest(ours, others)} {most}"
    if len(others) == 1:
        return nearest(ours, others)
    return f"The nearest of them in accuracy, and the most accurate, is {name(best)}, with {_relative(best, ours)}."


def nearest(ours: HandMade, others: Sequence[HandMade]) -> str:
    """A sentence on the latency of the hand-made network with the nearest accuracy."""
    near = _nearest(ours, others)
    start = f"The nearest of them in accuracy is {name(near)}, with"
    if len(others) == 1:
        own = name(near)
        start = f"{ARTICLE.capitalize()}{own.removeprefix(ARTICLE)} has" if own.startswith(ARTICLE) else f"{own} has"
    return f"{start} {_relative(near, ours)}."


def _nearest(ours: HandMade, others: Sequence[HandMade]) -> HandMade:
    return min(others, key=lambda row: abs(row.test_accuracy - ours.test_accuracy))


def _relative(other: HandMade, ours: HandMade) -> str:
    close = abs(other.test_accuracy - ours.test_accuracy) < 0.0005
    alike = close or percent(other.test_accuracy) == percent(ours.test_accuracy)
    difference = "the same test accuracy within 0.1 points" if alike else _points(other, ours)
    ratio = other.latency_median_s / ours.latency_median_s
    if abs(ratio - 1) < SAME_TIME:
        return f"{difference} ({percent(other.test_accuracy)}) and the same latency ({ms(other.latency_median_s)})"
    times = f"{significant(ratio)} times the latency"
    return f"{difference} ({percent(other.test_accuracy)}) and {times} ({ms(other.latency_median_s)})"


def _points(other: HandMade, ours: HandMade) -> str:
    """ "3.6 points less"."""
    points = 100 * (other.test_accuracy - ours.test_accuracy)
    return f"{abs(points):.1f} points {'more' if points > 0 else 'less'}"


def _beats(one: HandMade, other: HandMade, images: float) -> bool:
    """Whether one is both more accurate and faster, beyond chance."""
    return clearly_faster(one, other) and clearly_better(one, other, images)


def ahead(row: HandMade, winner: HandMade) -> str:
    """A sentence on a file of ours that by the test images alone is better than the chosen one; empty for others."""
    if not clearly_faster(row, winner) or row.test_accuracy < winner.test_accuracy:
        return ""
    seen = f"on the test images {_accurate(row.test_accuracy - winner.test_accuracy)}"
    if row.validation_accuracy is not None and winner.validation_accuracy is not None:
        chosen = _accurate(row.validation_accuracy - winner.validation_accuracy)
        seen += f", and on the validation images, by which files are chosen, {chosen}"
    return f" Compared with the compressed winner, this file is {seen}."


def _accurate(difference: float) -> str:
    """ "0.2 points more accurate"; of a fraction."""
    if abs(difference) < 0.0005:
        return "as accurate"
    return f"{100 * abs(difference):.1f} points {'more' if difference > 0 else 'less'} accurate"


def _file(row: HandMade) -> str:
    return rf"the winner pruned to save {saved(row)}\,\% of the latency that pruning can save"


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."
