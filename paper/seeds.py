"""The text about several seeds of the whole run, from seeds.csv: a sentence, a table, and the check of the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean

from paper import origin
from paper.chain import BEFORE, chain, stage_of, undone
from paper.compression_rows import Stage, row_name
from paper.csv_records import ResultError
from paper.latex import count, decimals, listed, signed, significant
from paper.rows import FILES, read
from paper.seed_rows import Seeded, by_stage
from paper.setup_file import setup
from paper.significance import mean_interval

HEAD = r"""\begin{tabular}{@{}lrrr@{}}
\toprule
 & test & median & file \\
 & (\%) & (ms) & (kB) \\
\midrule
"""
REFERENCE, WINNER = ("reference", "fp32"), ("retrained", "fp32")
Stages = dict[tuple[str, str], list[Seeded]]


def published(results: Path) -> bool:
    """Whether the results include other seeds of the paper's run, which are optional; one seed is no spread."""
    return origin.used(results, "Seeds") and len({row.seed for row in read(results, Seeded)}) > 1


def checked(results: Path) -> Stages:
    """The rows of each stage and precision, in the order of the seeds. Raises ResultError for a missing one."""
    rows, path = read(results, Seeded), results / FILES[Seeded]
    found = by_stage(rows)
    seeds = sorted({row.seed for row in rows})
    if any([row.seed for row in own] != seeds for own in found.values()):
        raise ResultError(f"{path}: not every seed has every stage once")
    if missing := {WINNER, last(results)} - {*found}:
        raise ResultError(f"{path}: there are no rows with stage={min(missing)[0]}, precision={min(missing)[1]}")
    return found


def last(results: Path) -> tuple[str, str]:
    """The stage and the precision of the quantized file of the paper's run."""
    last = chain(read(results, Stage), results / FILES[Stage]).last
    return last.stage, last.precision


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX; an empty sentence without other seeds. Raises ResultError."""
    if not published(results):
        return {"SeedsSentence": "", "SeedsCount": "", "OneSeed": ""}
    found = checked(results)
    quantized = found[last(results)]
    told = [sentence(found[WINNER], quantized), stages(found, last(results)), unpruned(results)]
    return {
        "SeedsSentence": " ".join(filter(None, told)) + against(found.get(REFERENCE, ()), quantized),
        "SeedsCount": count(len(quantized)),
        "OneSeed": f" (seed {count(setup(results).number('seed'))})",
    }


def stages(found: Stages, last: tuple[str, str]) -> str:
    """A sentence on how much each stage changes the accuracy with each seed."""
    names = [*(key for key in found if key[1] == "fp32" and key[0] not in BEFORE), last]
    ranges = [
        _range([100 * (new.test_accuracy - old.test_accuracy) for old, new in zip(found[before], found[after])])
        for before, after in pairwise([WINNER, *names])
    ]
    (first, points), *others = zip([stage_of(stage)[1] for stage, _ in names], ranges)
    more = [f"{what} by {points}" for what, points in others]
    return f"From seed to seed, {listed([f'{first} changes the test accuracy by {points} points', *more])}."


def unpruned(results: Path) -> str:
    """A sentence that compares the deployed file with the winner's without pruning, if that was trained for as long.

    Empty without other seeds, or without that file.
    """
    if not published(results):
        return ""
    found, key = checked(results), last(results)
    ours, others, winners = found[key], found.get(("retrained", key[1]), []), found[WINNER]
    what = undone([stage for stage, _ in found if stage not in (*BEFORE, key[0])], (ours[0].steps, winners[0].steps))
    if not what or [one.steps for one in ours] != [one.steps for one in others]:
        return ""
    ratios = [f"{other.latency_median_s / one.latency_median_s:.2f}" for one, other in zip(ours, others)]
    changes = [100 * (one.test_accuracy - other.test_accuracy) for one, other in zip(ours, others)]
    return (
        f"Compared with the winner {what}, the {ours[0].precision_name} file is {_between(ratios)} times as fast over "
        f"the {count(len(ours))} seeds, and its test accuracy differs by {_range(changes)} points."
    )


def _between(numbers: Sequence[str]) -> str:
    """ "1.09 to 1.14": the smallest and the largest."""
    low, high = min(numbers, key=float), max(numbers, key=float)
    return low if low == high else f"{low} to {high}"


def _range(points: Sequence[float]) -> str:
    """ "+0.4 to +4.5": the smallest and the largest."""
    low, high = signed(min(points)), signed(max(points))
    return low if low == high else f"{low} to {high}"


def sentence(winner: Sequence[Seeded], last: Sequence[Seeded]) -> str:
    """How far accuracies and latencies spread."""
    name, images = last[0].precision_name, "of the test images"
    speedup = [one.latency_median_s / other.latency_median_s for one, other in zip(winner, last)]
    return (
        f"Over {count(len(last))} seeds of search, training and compression, the winner classifies {percent(winner)} "
        f"{images} correctly in fp32, and the {name} file {percent(last)}; the latter is {_spread(speedup)} times as "
        "fast."
    )


def against(reference: Sequence[Seeded], last: Sequence[Seeded]) -> str:
    """How the deployed file compares with the reference; empty if the reference was not trained with every seed."""
    if not reference:
        return ""
    gained = [100 * (one.test_accuracy - other.test_accuracy) for one, other in zip(last, reference)]
    ratio = [one.latency_median_s / other.latency_median_s for one, other in zip(reference, last)]
    return (
        f" Compared with the reference in fp32, the {last[0].precision_name} file is {_spread(ratio)} times as fast, "
        f"with a change in test accuracy of {points(gained)}. A change is significant if the 95\\,\\% interval of its "
        "mean, by Student's $t$, does not include zero."
    )


def points(gained: Sequence[float]) -> str:
    """ "1.20 points (0.80 to 1.60; not significant)", by Student's t over the seeds."""
    _, low, high = mean_interval(gained)
    doubt = "" if low > 0 or high < 0 else "not "
    return f"{_spread(gained).replace('(', 'points (').replace(')', f'; {doubt}significant)')}"


def percent(rows: Sequence[Seeded]) -> str:
    """ "86.5 % (86.1 to 87.0)": mean, smallest and largest test accuracy."""
    values = [100 * row.test_accuracy for row in rows]
    return rf"{fmean(values):.1f}\,\% ({min(values):.1f} to {max(values):.1f})"


def _spread(values: Sequence[float]) -> str:
    mean, low, high = (f"{one:.2f}" for one in (fmean(values), min(values), max(values)))
    return f"{mean} ({low} to {high})".replace("-", "$-$")


def write(results: Path, build: Path) -> None:
    """seeds.tex in the folder `build`, if there are other seeds. Raises ResultError."""
    (build / "seeds.tex").unlink(missing_ok=True)
    if not published(results):
        return
    lines = [_line(*key, own) for key, own in checked(results).items()]
    (build / "seeds.tex").write_text(f"{HEAD}{''.join(lines)}\\bottomrule\n\\end{{tabular}}\n", encoding="utf-8")


def _line(stage: str, precision: str, rows: Sequence[Seeded]) -> str:
    name = row_name(stage, "" if precision in ("fp32", stage) else rows[0].precision_name)
    columns: tuple[Callable[[Seeded], float], ...] = (
        lambda row: 100 * row.test_accuracy,
        lambda row: 1e3 * row.latency_median_s,
        lambda row: row.file_bytes / 1e3,
    )
    return " & ".join([name, *(_cell([column(row) for row in rows]) for column in columns)]) + " \\\\\n"


def _cell(values: Sequence[float]) -> str:
    """Mean, smallest and largest."""
    return significant(values[0]) if max(values) == min(values) else spread(values).replace(" to ", "--")


def spread(values: Sequence[float]) -> str:
    """ "0.107 (0.105 to 0.110)": mean, smallest and largest, with the decimals of the mean."""
    places = decimals(fmean(values))
    return f"{fmean(values):.{places}f} ({min(values):.{places}f} to {max(values):.{places}f})"
