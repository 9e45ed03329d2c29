"""The text about a comparison of strategies: which are better than which, and how certainly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from paper import comparison_setup, origin, published_networks, search_seconds, unfinished_searches
from paper.comparison_setup import Unit
from paper.latex import escape, listed, percent, significant
from paper.rows import FILES, Curve, Pair, Searched, read
from paper.setup_file import Setup, setup

BASELINE = "random"
EXACT = "exact front"
FEWEST_SEEDS = 6  # below which nothing is called significant
SHARE = Unit("hypervolume", percent)
WORDS = {BASELINE: "random search", "nsga2": "NSGA-II", "surrogate": "the surrogate search", "darts": "DARTS"}
SETUP = "compare_setup.csv"
FILES_OF_IT = (FILES[Searched], FILES[Curve], FILES[Pair], SETUP)
GROUP = origin.Group(SETUP, FILES_OF_IT, images=True)
NAMES = (
    *("Problem", "Regret", "Evaluations", "Seconds", "Seeds"),
    *("Setup", "Caption", "Statistics", "Origin", "OriginBriefly"),
)


def published(results: Path) -> bool:
    """Whether the results include a comparison, which is optional."""
    return any((results / name).exists() for name in (FILES[Curve], FILES[Pair], SETUP))


def recorded(results: Path) -> bool:
    """Whether the comparison records its setup; older files do not."""
    return (results / SETUP).exists()


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX; empty sentences without a published comparison. Raises ResultError."""
    texts = [""] * len(NAMES)
    if published(results):
        made = setup(results, SETUP) if recorded(results) else None
        texts = [
            *_results(read(results, Curve), read(results, Pair), made),
            comparison_setup.setup(made),
            comparison_setup.caption(made),
            comparison_setup.statistics(made),
            *_origin(results, read(results, Curve)[0].problem, made),
        ]
        texts[NAMES.index("Seconds")] += search_seconds.sentence(results, word)
    return {f"Compared{name}": text for name, text in zip(NAMES, texts)}


def _results(curves: Sequence[Curve], pairs: Sequence[Pair], made: Setup | None) -> list[str]:
    first = curves[0]
    curves, pairs = [replace(one, strategy=word(one.strategy)) for one in curves], in_words(pairs)
    strategies = listed(dict.fromkeys(escape(curve.strategy) for curve in curves))
    share = "Hypervolume is given as a share of that of all networks found by any search; the exact front is unknown."
    if first.reference == EXACT:
        share = (
            f"Hypervolume is given as a share of that of the {EXACT}. Accuracies are read from a file, so seconds are "
            "those of the strategies alone."
        )
    ran = f"{strategies} each ran with {first.seeds} seed{'s' if first.seeds != 1 else ''}"
    finished = [pair for pair in pairs if unfinished_searches.comparable(pair, curves)]
    regrets, shares = (of(finished, measure, "evaluations") for measure in ("regret", "share"))
    later = _compared(of(pairs, "share", "seconds"), SHARE, verdict(shares))
    return [
        f"On {comparison_setup.subject(first.problem, made)}, {ran}. {comparison_setup.regret(made)} {share}"
        f"{comparison_setup.published(made)}",
        _compared(regrets, comparison_setup.unit(made)),
        f"{_compared(shares, SHARE, verdict(regrets))} {escape(unfinished_searches.stopped(curves, made))}".strip(),
        f"{later} {escape(unfinished_searches.by_then(curves, pairs))}".strip(),
        str(first.seeds),
    ]


def word(strategy: str) -> str:
    """A strategy in a sentence."""
    return WORDS.get(strategy, strategy)


def in_words(pairs: Iterable[Pair]) -> list[Pair]:
    """The same pairs, with strategies as they are in sentences."""
    return [replace(pair, a=word(pair.a), b=word(pair.b)) for pair in pairs]


def _origin(results: Path, problem: str, made: Setup | None) -> tuple[str, str]:
    """A first sentence and words for a caption on what the searches ran on."""
    caption = f" All ran on {comparison_setup.subject(problem, made)}"
    if made is None:
        unknown = "its files name no machine, images or supernet"
        return "The files of this comparison name no machine, images or supernet. ", f"{caption}; {unknown}."
    published = f"published networks, {escape(problem)}"
    found = [published] if published_networks.are_in(made) else origin.differences(GROUP, made, setup(results))
    told = origin.named("", found)
    return told["Origin"], f"{caption}.{'' if published_networks.are_in(made) else told['OriginBriefly']}"


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
    if not pairs:
        return "no two strategies finished all evaluations"
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


def _compared(pairs: Sequence[Pair], unit: Unit, said: str = "") -> str:
    """A sentence with one measure's means and its verdict, which may be what was `said` before; none for no pairs."""
    if not pairs:
        return ""
    first, clause = pairs[0], verdict(pairs)
    spent = f"{first.at:.0f} evaluations" if first.against == "evaluations" else rf"{significant(first.at)}\,s"
    values = listed(f"{unit.written(mean)} for {escape(name)}" for name, mean in means(pairs).items())
    return f"After {spent} the mean {unit.name} is {values}; {'again, ' if clause == said else ''}{escape(clause)}."
