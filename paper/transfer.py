"""The text about the transfer matrix: a sentence, a table, and the check that the rows are a whole matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from paper import origin
from paper.csv_records import ResultError
from paper.latex import count, escape, ms
from paper.rows import FILES, read
from paper.transfer_rows import MACS, PARAMETERS, Transferred

INTERVAL = r"95\,\% interval "
HEAD = r"""\begin{tabular}{@{}lrrrr@{}}
\toprule
target & own & worst other & fewest MACs & fewest parameters \\
\midrule
"""


def published(results: Path) -> bool:
    """Whether the results include a transfer matrix of the paper's run, which is optional."""
    return origin.used(results, "Transfer")


def check(results: Path) -> None:
    """Raises ResultError unless each network is there once for each target, and loses what its latency says."""
    if not published(results):
        return
    rows, path = read(results, Transferred), results / FILES[Transferred]
    found = {(row.target, row.chosen_for): row for row in rows}
    targets = dict.fromkeys(row.target for row in rows)
    wanted = {(target, chosen) for target in targets for chosen in (*targets, MACS, PARAMETERS)}
    if {*found} != wanted or len(rows) != len(wanted):
        raise ResultError(f"{path} has {len(rows)} rows, which are not the {len(wanted)} of {len(targets)} targets")
    for row in rows:
        loss = row.measured_s / found[row.target, row.target].measured_s - 1
        if not (math.isclose(row.loss, loss, rel_tol=1e-6, abs_tol=1e-9) and row.loss_low <= loss <= row.loss_high):
            raise ResultError(
                f"{path}: on {row.target} the network for {row.chosen_for} loses {loss:.3g}, not {row.loss:.3g}"
            )


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX; an empty sentence without a published matrix. Raises ResultError."""
    return {"TransferSentence": sentence(read(results, Transferred)) if published(results) else ""}


def sentence(rows: Sequence[Transferred]) -> str:
    """How many networks the targets choose, and what others' choices lose on average and at most."""
    targets = {row.target for row in rows}
    networks = len({row.arch for row in rows if row.chosen_for in targets})
    others = foreign(rows)
    worst = max(others, key=lambda row: row.loss)
    noisy = sorted({row.target for row in rows if row.session != "clean"})
    chosen = "the same network" if networks == 1 else f"{count(networks)} different networks"
    told = (
        f"The {count(len(targets))} targets choose {chosen}. Another target's network "
        f"takes {mean(others)} longer than the own one on average. The most is {lost(worst, INTERVAL)}, by that for "
        f"{escape(worst.chosen_for)} on {escape(worst.target)}. {significance(others)} For the network of {MACS} the "
        f"average is {mean([row for row in rows if row.chosen_for == MACS])}, for that of {PARAMETERS} "
        f"{mean([row for row in rows if row.chosen_for == PARAMETERS])}."
    )
    return told + (f" The sessions of {escape(', '.join(noisy))} were not clean." if noisy else "")


def foreign(rows: Sequence[Transferred]) -> list[Transferred]:
    """The rows of networks that were chosen for another target."""
    targets = {row.target for row in rows}
    return [row for row in rows if row.chosen_for in targets and row.chosen_for != row.target]


def significance(others: Sequence[Transferred]) -> str:
    """A sentence on how many of the losses are beyond their intervals."""
    lose, gain = sum(row.loss_low > 0 for row in others), sum(row.loss_high < 0 for row in others)
    if not lose:
        told = f"None of the {count(len(others))} losses is significant"
    else:
        told = f"{count(lose)} of the {count(len(others))} losses are significant"
        told = told.replace("are", "is") if lose == 1 else told
    faster = f"; in {count(gain)} {'case' if gain == 1 else 'cases'} the other network is significantly faster"
    return f"{told}{faster if gain else ''}."


def mean(rows: Sequence[Transferred]) -> str:
    """The mean loss, in percent."""
    return rf"{_rounded(sum(row.loss for row in rows) / len(rows))}\,\%"


def _rounded(loss: float, places: int = 0) -> str:
    return f"{100 * loss:z.{places}f}".replace("-", "$-$")


def lost(row: Transferred, name: str = "") -> str:
    """The loss with its interval, in percent; `name` introduces the interval."""
    places = 0 if row.loss_high - row.loss_low > 0.02 else 1
    loss, low, high = (_rounded(value, places) for value in (row.loss, row.loss_low, row.loss_high))
    return rf"{loss}\,\% ({name}{low} to {high})"


def _own(row: Transferred) -> str:
    """A latency with half of its interval."""
    half = max(row.high_s - row.measured_s, row.measured_s - row.low_s) / row.measured_s
    return rf"{ms(row.measured_s)} ($\pm${100 * half:.1f}\,\%)"


def write(results: Path, build: Path) -> None:
    """transfer.tex in the folder `build`, if there is a matrix. Raises ResultError."""
    (build / "transfer.tex").unlink(missing_ok=True)
    if not published(results):
        return
    rows = read(results, Transferred)
    found = {(row.target, row.chosen_for): row for row in rows}
    targets = dict.fromkeys(row.target for row in rows)
    lines = []
    for target in targets:
        worst = max((found[target, other] for other in targets if other != target), key=lambda row: row.loss)
        cells = [
            _own(found[target, target]),
            *map(lost, (worst, found[target, MACS], found[target, PARAMETERS])),
        ]
        lines.append(f"{escape(target)} & {' & '.join(cells)} \\\\\n")
    (build / "transfer.tex").write_text(f"{HEAD}{''.join(lines)}\\bottomrule\n\\end{{tabular}}\n", encoding="utf-8")
