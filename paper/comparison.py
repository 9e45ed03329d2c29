"""The text about a comparison of strategies: which are better than which, and how certainly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from paper import origin
from paper.latex import escape, listed, ms, percent, significant
from paper.rows import FILES, Curve, Pair, read
from paper.setup_file import Setup, setup

BASELINE = "random"
EXACT = "exact front"
FEWEST_SEEDS = 6  # below which nothing is called significant
SETUP = "compare_setup.csv"
FILES_OF_IT = ("compare.csv", FILES[Curve], FILES[Pair], SETUP)
GROUP = origin.Group(SETUP, FILES_OF_IT, images=True)
NAMES = (
    *("Problem", "Evaluations", "Seconds", "Regret", "Seeds"),
    *("Setup", "Caption", "Statistics", "Origin", "OriginBriefly"),
)


def published(results: Path) -> bool:
    """Whether the results include a comparison, which is optional."""
    return any((results / name).exists() for name in (FILES[Curve], FILES[Pair], SETUP))


def recorded(results: Path) -> bool:
    """Whether the comparison records its setup; older files do not."""
    return (results / SETUP).exists()


def of_published(made: Setup) -> bool:
    """Whether the networks were read from a published file, and not from a supernet."""
    return "accuracy_seen" in made.values


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX; empty sentences without a published comparison. Raises ResultError."""
    texts = [""] * len(NAMES)
    if published(results):
        made = setup(results, SETUP) if recorded(results) else None
        texts = [
            *_results(read(results, Curve), read(results, Pair), made),
            _setup(made),
            _caption(made),
            _statistics(made),
            *_origin(results, read(results, Curve)[0].problem, made),
        ]
    return {f"Compared{name}": text for name, text in zip(NAMES, texts)}


def _results(curves: Sequence[Curve], pairs: Sequence[Pair], made: Setup | None) -> list[str]:
    first = curves[0]
    strategies = listed(dict.fromkeys(escape(curve.strategy) for curve in curves))
    reference = "the front of all networks found by any search, as no exact front is known"
    if first.reference == EXACT:
        reference = f"the {EXACT}; accuracies are read from a file, so seconds are the strategies' own"
    problem = (
        f"The problem is {escape(first.problem)}; {strategies} searched with {first.seeds} seeds each. "
        f"Hypervolumes are shares of that of {reference}.{columns(made)}"
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


def columns(made: Setup | None) -> str:
    """A sentence on the accuracies by which a file's networks were chosen and judged; empty for a supernet."""
    if made is None or not of_published(made):
        return ""
    seen, reported = (escape(made.text(f"accuracy_{column}")) for column in ("seen", "reported"))
    if seen in reported.split("+"):
        return f" The searches saw the reported accuracy, {seen}, which favours all of them."
    return f" The searches saw {seen}; their choices are judged by {reported}."


def _setup(made: Setup | None) -> str:
    """A sentence on code and target."""
    if made is None:
        return (
            "The comparison of strategies was made by older code: its files do not record their set-up (target, "
            "supernet and commit)."
        )
    target = made.optional("target_ms")
    aim = f", with a target of {ms(target / 1e3)}" if target else ""
    return (
        f"The comparison of strategies has the objective {escape(made.text('objective'))}{aim}; it was made by commit "
        f"{escape(made.text('git_commit'))}."
    )


def _caption(made: Setup | None) -> str:
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


def _origin(results: Path, problem: str, made: Setup | None) -> tuple[str, str]:
    """A first sentence and words for a caption on what the searches ran on."""
    caption = f" The problem is {escape(problem)}"
    if made is None:
        unknown = "its files name no machine, images or supernet"
        return "The files of this comparison name no machine, images or supernet. ", f"{caption}; {unknown}."
    if of_published(made):
        return (
            f"These results do not come from this paper's run, but from published networks, {escape(problem)}. ",
            f"{caption}.",
        )
    found = origin.named("", origin.differences(GROUP, made, setup(results)))
    return found["Origin"], f"{caption}.{found['OriginBriefly']}"


def _statistics(made: Setup | None) -> str:
    """Sentences on the meaning of significant, and on seconds."""
    test = r"Mann and Whitney's test~\cite{mann1947test} over the seeds, corrected~\cite{holm1979simple}"
    if made is None:
        return f"{test} for the pairs of one measure and budget, decides which differences are significant."
    return (
        f"Each strategy and seed has its own random numbers. {test} for all pairs, measures and budgets together, "
        "decides at a level of one in twenty which differences are significant. Every search is charged the time that "
        "it would have taken alone."
    )


def of(pairs: Iterable[Pair], measure: str, against: str) -> list[Pair]:
    return [pair for pair in pairs if (pair.measure, pair.against) == (measure, against)]


def means(pairs: Iterable[Pair]) -> dict[str, float]:
    """Strategy -> mean, of one measure; the best first."""
    pairs = list(pairs)
    found = {pair.a: pair.mean_a for pair in pairs} | {pair.b: pair.mean_b for pair in pairs}
    return dict(sorted(found.items(), key=lambda item: item[1], reverse=pairs[0].measure == "share"))


def better(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    """Strategy -> the strategies that it is significantly better than, by one measure."""
    found: dict[str, list[str]] = {}
    for pair in pairs:
        if pair.significant:
            ahead = (pair.mean_a > pair.mean_b) == (pair.measure == "share")
            winner, loser = (pair.a, pair.b) if ahead else (pair.b, pair.a)
            found.setdefault(winner, []).append(loser)
    return found


def verdict(pairs: Sequence[Pair]) -> str:
    """A clause: "nsga2 is significantly better than random; other pairs do not differ significantly"."""
    seeds, needed = pairs[0].seeds, max(FEWEST_SEEDS, pairs[0].seeds_needed)
    if seeds < FEWEST_SEEDS:
        count = "1 seed" if seeds == 1 else f"{seeds} seeds"
        return f"{count} cannot show a significant difference, {needed} or more are needed"
    found = better(pairs)
    if not found:
        doubt = f": {seeds} seeds cannot show it, {needed} or more can" if seeds < needed else ""
        return f"no two strategies differ significantly{doubt}"
    alike: dict[tuple[str, ...], list[str]] = {}
    for winner, losers in found.items():
        alike.setdefault(tuple(sorted(losers)), []).append(winner)
    clauses = [
        f"{listed(winners)} {'are' if len(winners) > 1 else 'is'} significantly better than {listed(losers)}"
        for losers, winners in alike.items()
    ]
    if sum(map(len, found.values())) < len(pairs):
        clauses.append("other pairs do not differ significantly")
    return "; ".join(clauses)


def stopped(curves: Iterable[Curve]) -> str:
    """A sentence on strategies that ran out of time before their evaluations; empty if there are none."""
    last = {curve.strategy: curve for curve in curves if curve.against == "evaluations"}
    early = [f"{name} after {one.evaluations:.0f}" for name, one in last.items() if one.evaluations < one.at]
    return f"Earlier, seconds ran out for {listed(early)} evaluations." if early else ""


def _compared(pairs: Sequence[Pair], what: str, said: str = "") -> str:
    """A sentence with one measure's means and its verdict, unless the verdict equals `said`."""
    first, clause = pairs[0], verdict(pairs)
    clause = "the verdict is the same" if clause == said else escape(clause)
    spent = f"{first.at:.0f} evaluations" if first.against == "evaluations" else rf"{significant(first.at)}\,s"
    written = percent if first.measure == "share" else (lambda value: f"{value:.4f}")
    values = listed(f"{escape(name)} {written(mean)}" for name, mean in means(pairs).items())
    return f"After {spent} the mean {what} is, from best to worst, {values}; by this measure, {clause}."
