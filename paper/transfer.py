"""The text about the transfer matrix: its sentences, a table, and the check that the rows are a whole matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from paper import origin, transfer_targets
from paper.csv_records import ResultError
from paper.latex import count, escape, listed, ms
from paper.rows import FILES, read
from paper.transfer_losses import foreign, groups, lost, mean, own, significance, unsure
from paper.transfer_rows import MACS, PARAMETERS, Transferred

INTERVAL = r"95\,\% interval "
OWN = "own"  # in place of a loss, where a network is the target's own
CAPTION = (
    "Latency lost on each target, in percent, by deploying a network that was chosen for something else; "
    f"``{OWN}'': it is the target's own network."
)
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
    """Macro name -> LaTeX; empty texts without a published matrix. Raises ResultError."""
    if not published(results):
        return {"TransferSentence": "", "TransferCaption": ""}
    rows = read(results, Transferred)
    return {"TransferSentence": sentence(rows), "TransferCaption": caption(rows)}


def sentence(rows: Sequence[Transferred]) -> str:
    """What differs between the targets, which choose which network, and what other networks lose."""
    shown, others = names(rows), foreign(rows)
    cause = transfer_targets.deciding(groups(rows))
    told = [
        transfer_targets.sentence(rows),
        f"They choose {chosen(rows)}.{f' So {cause} alone decides.' if cause else ''}",
    ]
    if others:
        worst = max(others, key=lambda row: row.loss)
        by = listed(shown[name] for name in next(group for group in groups(rows) if worst.chosen_for in group))
        told.append(
            "On each target, its own network is compared with those of other targets that differ from it. Over these "
            f"{count(len(others))} pairs of target and network, the "
            f"other target's network takes {mean(others)} on average. The most is "
            f"{lost(worst, INTERVAL)}, for that of {by} on {shown[worst.target]}. {significance(others)}"
        )
    told += [counted(rows, MACS), counted(rows, PARAMETERS)]
    if noisy := sorted({shown[row.target] for row in rows if row.session != "clean"}):
        told.append(f"The sessions of {listed(noisy)} were not clean.")
    return " ".join(told)


def brief(rows: Sequence[Transferred]) -> str:
    """A sentence on how many networks the targets choose, and on what decides which."""
    where = ", all on one machine," if transfer_targets.machines(rows) == 1 else ""
    targets = f"The {count(len({row.target for row in rows}))} targets{where} choose"
    found, cause = groups(rows), transfer_targets.deciding(groups(rows))
    if len(found) == 1:
        return f"{targets} the same network."
    return f"{targets} {count(len(found))} different networks{f'; {cause} alone decides which' if cause else ''}."


def claim(rows: Sequence[Transferred]) -> str:
    """The sentences in brief."""
    others = foreign(rows)
    unseen = " No other machine was measured." if transfer_targets.machines(rows) == 1 else ""
    if not others:
        return f"{brief(rows)}{unseen}"
    worst = max(others, key=lambda row: row.loss)
    return (
        f"{brief(rows)} Where another target's network differs from the target's own ({count(len(others))} pairs of "
        f"target and network), it takes {mean(others)} on average; the most is {lost(worst, INTERVAL)}. "
        f"{significance(others)} {counted(rows, MACS)}{unseen}"
    )


def names(rows: Sequence[Transferred]) -> dict[str, str]:
    """The short name of each target, in LaTeX."""
    found = transfer_targets.words(list(dict.fromkeys(row.target for row in rows)))
    return {name: escape(" ".join(words)) for name, words in found.items()}


def chosen(rows: Sequence[Transferred]) -> str:
    """Words on how many networks there are, and which targets share one."""
    shown, found = names(rows), groups(rows)
    if len(found) == 1:
        return "the same network"
    told = f"{count(len(found))} different networks"
    shared = [listed(shown[name] for name in group) for group in found if len(group) > 1]
    if not shared:
        return told
    if len(found) == 2:
        return f"{told}: {shared[0]} choose one, {listed(shown[name] for name in found[1])} the other"
    alone = "; each other target has one of its own" if len(shared) < len(found) else ""
    return f"{told}: {', '.join([f'{shared[0]} share one', *(f'{group} another' for group in shared[1:])])}{alone}"


def counted(rows: Sequence[Transferred], what: str) -> str:
    """A sentence on the network with the fewest MACs or parameters: which targets choose it, and its loss elsewhere."""
    mine = own(rows)
    others = [row for row in rows if row.chosen_for == what and row.arch != mine[row.target]]
    same, network = len(mine) - len(others), f"The network with the {what} is"
    average = " on average" if len(others) > 1 else ""
    if not others:
        return f"{network} every target's choice."
    if not same:
        return f"{network} no target's choice; it takes {mean(others)} than the target's own{average}."
    rest = count(len(others)) if average else "one"
    return (
        f"{network} also the choice of {count(same)} of the {count(len(mine))} targets; on the other {rest}, it takes "
        f"{mean(others)}{average}."
    )


def caption(rows: Sequence[Transferred]) -> str:
    """Sentences on what the figure shows."""
    short = " ORT is onnxruntime." if any("onnxruntime" in name for name in names(rows).values()) else ""
    mine = own(rows)
    doubt = any(unsure(row) and row.arch != mine[row.target] for row in rows)
    return f"{CAPTION}{short}{' In brackets: its interval includes zero.' if doubt else ''}"


def _own(row: Transferred) -> str:
    """A latency with the larger half of its interval."""
    half = max(row.high_s - row.measured_s, row.measured_s - row.low_s) / row.measured_s
    return rf"{ms(row.measured_s)} ($\pm${100 * half:.1f}\,\%)"


def write(results: Path, build: Path) -> None:
    """transfer.tex in the folder `build`, if there is a matrix. Raises ResultError."""
    (build / "transfer.tex").unlink(missing_ok=True)
    if not published(results):
        return
    rows = read(results, Transferred)
    found, shown, mine = {(row.target, row.chosen_for): row for row in rows}, names(rows), own(rows)
    lines = []
    for target in mine:
        others = [row for row in foreign(rows) if row.target == target]
        worst = max(others, key=lambda row: row.loss, default=found[target, target])
        cells = [
            OWN if row.arch == mine[target] else lost(row)
            for row in (worst, found[target, MACS], found[target, PARAMETERS])
        ]
        lines.append(f"{shown[target]} & {_own(found[target, target])} & {' & '.join(cells)} \\\\\n")
    (build / "transfer.tex").write_text(f"{HEAD}{''.join(lines)}\\bottomrule\n\\end{{tabular}}\n", encoding="utf-8")
