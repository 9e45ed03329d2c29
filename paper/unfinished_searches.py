"""The strategies of a comparison that ran out of seconds: which they are, and sentences on what they had found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from paper.latex import listed
from paper.rows import Curve, Pair
from paper.setup_file import Setup

ENOUGH = 0.9  # the share of all evaluations with which a search counts as finished


def unfinished(curves: Iterable[Curve]) -> dict[str, float]:
    """The strategies that ended long before all evaluations, and their mean numbers of evaluations.

    A search that proposes hardly anything new ends a little early: it counts as finished.
    """
    return {one.strategy: one.evaluations for one in _ends(curves) if one.evaluations < ENOUGH * one.at}


def _ends(curves: Iterable[Curve]) -> Iterable[Curve]:
    """Each strategy after all evaluations."""
    return {curve.strategy: curve for curve in curves if curve.against == "evaluations"}.values()


def comparable(pair: Pair, curves: Iterable[Curve]) -> bool:
    """Whether both strategies had finished as many evaluations, if they are compared after so many."""
    return pair.against != "evaluations" or not {pair.a, pair.b} & {*unfinished(curves)}


def stopped(curves: Iterable[Curve], made: Setup | None = None) -> str:
    """A sentence on strategies that are not compared by evaluations; empty if there are none."""
    ends = [*_ends(curves)]
    early = [one for one in ends if one.strategy in unfinished(ends)]
    if not early:
        return ""
    first, *others = early
    also = [f"{one.strategy} only {one.evaluations:.0f}" for one in others]
    told = f"{first.strategy} completed only {first.evaluations:.0f} of the {first.at:.0f} evaluations"
    reached = listed(f"{100 * one.share:.1f} %" for one in early)
    rest = (
        f"so it is compared only by seconds; its mean hypervolume after these evaluations is {reached}"
        if not others
        else f"so they are compared only by seconds; their mean hypervolumes after these evaluations are {reached}"
    )
    return f"{_limit(made)}, {listed([told, *also])}, {rest}."


def by_then(curves: Sequence[Curve], pairs: Iterable[Pair]) -> str:
    """A sentence on how many networks they had evaluated when all strategies are compared by seconds; may be empty."""
    moments = {pair.at for pair in pairs if pair.against == "seconds"}
    had = {one.strategy: one.evaluations for one in curves if one.against == "seconds" and one.at in moments}
    told = [
        f"{name} had evaluated {_number(had[name])} network{'' if had[name] == 1 else 's'}"
        for name in unfinished(curves)
        if name in had
    ]
    return f"By then, {listed(told)} per search." if told else ""


def _number(evaluations: float) -> str:
    """With one decimal, if it is not whole."""
    return f"{evaluations:,.1f}".removesuffix(".0")


def _limit(made: Setup | None) -> str:
    """Words on the seconds after which a search was ended."""
    given = made is not None and made.values.get("seconds_limit")
    return f"Within {made.number('seconds_limit'):g} s" if made and given else "In the given time"
