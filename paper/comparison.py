"""What a comparison of strategies says: who is better than whom, and who is not told apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from paper.latex import escape, percent, significant
from paper.rows import FILES, Curve, Pair, read

BASELINE = "random"
EXACT = "exact front"


def published(results: Path) -> bool:
    """Whether a comparison is among the results, which the paper can do without."""
    return any((results / FILES[kind]).exists() for kind in (Curve, Pair))


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX; empty sentences where nothing was published. Raises ResultError."""
    names = ("Problem", "Evaluations", "Seconds", "Regret", "Seeds")
    texts = _texts(read(results, Curve), read(results, Pair)) if published(results) else [""] * len(names)
    return {f"Compared{name}": text for name, text in zip(names, texts)}


def _texts(curves: Sequence[Curve], pairs: Sequence[Pair]) -> list[str]:
    first = curves[0]
    strategies = listed(dict.fromkeys(escape(curve.strategy) for curve in curves))
    known = "all that was found together, as no exact front is known"
    if first.reference == EXACT:
        known = f"the {EXACT}; accuracies are read from a file, so that seconds are the strategies' own"
    problem = (
        f"The problem is {escape(first.problem)}; {strategies} searched with {first.seeds} seeds each. "
        f"Hypervolumes are shares of that of {known}."
    )
    judged = of(pairs, "share", "evaluations")
    said = verdict(judged)
    return [
        problem,
        f"{_compared(judged, 'hypervolume')} {escape(stopped(curves))}".strip(),
        _compared(of(pairs, "share", "seconds"), "hypervolume", said),
        _compared(of(pairs, "regret", "evaluations"), "regret", said),
        str(first.seeds),
    ]


def of(pairs: Iterable[Pair], measure: str, against: str) -> list[Pair]:
    return [pair for pair in pairs if (pair.measure, pair.against) == (measure, against)]


def means(pairs: Iterable[Pair]) -> dict[str, float]:
    """Strategy -> mean, of one measure; the best first."""
    pairs = list(pairs)
    found = {pair.a: pair.mean_a for pair in pairs} | {pair.b: pair.mean_b for pair in pairs}
    return dict(sorted(found.items(), key=lambda item: item[1], reverse=pairs[0].measure == "share"))


def better(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    """Strategy -> those that it is better than, beyond doubt; of one measure."""
    found: dict[str, list[str]] = {}
    for pair in pairs:
        if pair.apart:
            ahead = (pair.mean_a > pair.mean_b) == (pair.measure == "share")
            winner, loser = (pair.a, pair.b) if ahead else (pair.b, pair.a)
            found.setdefault(winner, []).append(loser)
    return found


def verdict(pairs: Sequence[Pair]) -> str:
    """A clause: "nsga2 is better than random and darts; other strategies are not told apart"."""
    first = pairs[0]
    few = first.seeds < first.seeds_needed
    doubt = f": {first.seeds} seeds cannot do it, {first.seeds_needed} or more can" if few else ""
    apart = better(pairs)
    if not apart:
        return f"no two strategies are told apart{doubt}"
    alike: dict[tuple[str, ...], list[str]] = {}
    for winner, losers in apart.items():
        alike.setdefault(tuple(sorted(losers)), []).append(winner)
    clauses = [
        f"{listed(winners)} {'are' if len(winners) > 1 else 'is'} better than {listed(losers)}"
        for losers, winners in alike.items()
    ]
    if sum(map(len, apart.values())) < len(pairs):
        clauses.append("other pairs are not told apart")
    return "; ".join(clauses)


def stopped(curves: Iterable[Curve]) -> str:
    """A sentence on strategies whose seconds ran out before their evaluations; empty where there is none."""
    last = {curve.strategy: curve for curve in curves if curve.against == "evaluations"}
    early = [f"{name} after {one.evaluations:.0f}" for name, one in last.items() if one.evaluations < one.at]
    return f"Out of seconds before that, and judged by what they had: {listed(early)} evaluations." if early else ""


def listed(names: Iterable[str]) -> str:
    """ "a, b and c"."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _compared(pairs: Sequence[Pair], what: str, said: str = "") -> str:
    """One measure's means and its verdict, unless that was `said` before: a sentence."""
    first, told = pairs[0], verdict(pairs)
    told = "the verdict is the same" if told == said else escape(told)
    spent = f"{first.at:.0f} evaluations" if first.against == "evaluations" else rf"{significant(first.at)}\,s"
    written = percent if first.measure == "share" else (lambda value: f"{value:.4f}")
    values = listed(f"{escape(name)} {written(mean)}" for name, mean in means(pairs).items())
    return f"After {spent} the mean {what} is, from the best down, {values}; by it, {told}."
