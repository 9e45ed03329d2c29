"""What targets lose by other networks than their own: which networks these are, and losses in words."""

from __future__ import annotations

from collections.abc import Sequence

from paper.latex import count
from paper.transfer_rows import Transferred


def own(rows: Sequence[Transferred]) -> dict[str, str]:
    """The network of each target."""
    return {row.target: row.arch for row in rows if row.chosen_for == row.target}


def groups(rows: Sequence[Transferred]) -> list[list[str]]:
    """The targets that choose the same network; the largest groups first."""
    found: dict[str, list[str]] = {}
    for target, arch in own(rows).items():
        found.setdefault(arch, []).append(target)
    return sorted(found.values(), key=len, reverse=True)


def foreign(rows: Sequence[Transferred]) -> list[Transferred]:
    """One row for each target and each network that differs from its own and was chosen for another target."""
    mine = own(rows)
    others = [row for row in rows if row.chosen_for in mine and row.arch != mine[row.target]]
    return list({(row.target, row.arch): row for row in others}.values())


def significance(others: Sequence[Transferred]) -> str:
    """A sentence on how many of the losses are beyond their intervals."""
    lose, gain = sum(row.loss_low > 0 for row in others), sum(row.loss_high < 0 for row in others)
    if lose == len(others) > 1:
        return f"All {count(lose)} losses are significant."
    told = f"{count(lose)} of the {count(len(others))} losses {'is' if lose == 1 else 'are'} significant"
    told = told if lose else f"None of the {count(len(others))} losses is significant"
    faster = f"; in {count(gain)} {'case' if gain == 1 else 'cases'} the other network is significantly faster"
    return f"{told}{faster if gain else ''}."


def mean(rows: Sequence[Transferred]) -> str:
    """The mean loss: "3 % longer"."""
    loss = sum(row.loss for row in rows) / len(rows)
    return rf"{_rounded(abs(loss), min(map(_places, rows)))}\,\% {'longer' if loss >= 0 else 'less time'}"


def lost(row: Transferred, name: str = "") -> str:
    """The loss with its interval, in percent; `name` introduces the interval."""
    loss, low, high = (_rounded(value, _places(row)) for value in (row.loss, row.loss_low, row.loss_high))
    return rf"{loss}\,\% ({name}{low} to {high})"


def unsure(row: Transferred) -> bool:
    """Whether the interval of a loss includes zero."""
    return row.loss != 0 and row.loss_low <= 0 <= row.loss_high


def _rounded(loss: float, places: int) -> str:
    return f"{100 * loss:z.{places}f}".replace("-", "$-$")


def _places(row: Transferred) -> int:
    """The decimals of a loss in percent."""
    return 0 if row.loss_high - row.loss_low > 0.02 else 1
