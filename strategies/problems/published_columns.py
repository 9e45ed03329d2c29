"""Which column of a file of published networks a search sees, and which are reported of the network that it chose.

A search that chooses by test accuracy is judged by what it was fitted to. So it sees a validation accuracy, or one of
several trainings, and another column is reported: the use that NAS-Bench-201 (Dong & Yang 2020) was published for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from search_spaces.errors import LutraError, unknown
from search_spaces.published import header

MEAN = "+"  # between columns whose mean is reported


@dataclass(frozen=True)
class AccuracyColumns:
    """Names of columns."""

    seen: str  # by a search
    reported: tuple[str, ...]  # their mean is

    @property
    def alike(self) -> bool:
        """Whether a search sees what is reported, or a part of it."""
        return self.seen in self.reported


KNOWN = (
    AccuracyColumns("accuracy_12epoch_percent", ("accuracy_percent",)),  # NAS-Bench-201: validation, test
    AccuracyColumns("acc1", ("acc2", "acc3")),  # NAS-Bench-Macro: three trainings with different seeds
)
LONE = ("accuracy_percent", "mean_acc")  # of a file without the others


def accuracy_columns(path: Path, seen: str, reported: str, keys: tuple[str, str]) -> AccuracyColumns:
    """The columns as asked; where a name is empty, as the file's header is known to have them.

    `reported` may name several, with "+" between. Raises LutraError for a column that is not there, and where the
    header is unknown, with the `keys` that choose both.
    """
    names = header(path)
    for column in (seen, *reported.split(MEAN)):
        if column and column not in names:
            raise unknown(f"column of {path}", column, names)
    if seen and reported:
        return AccuracyColumns(seen, tuple(reported.split(MEAN)))
    known = next((one for one in KNOWN if {one.seen, *one.reported} <= {*names}), None)
    if reported:
        columns = tuple(reported.split(MEAN))
        if known and known.seen not in columns:
            return AccuracyColumns(known.seen, columns)
        return AccuracyColumns(columns[0], columns)
    if seen:
        return AccuracyColumns(seen, known.reported if known and seen not in known.reported else (seen,))
    if known:
        return known
    for column in LONE:
        if column in names:
            return AccuracyColumns(column, (column,))
    raise LutraError(
        f"{path} has none of the known columns of accuracies, only {', '.join(names)}; say which searches see and "
        f"which is reported: {keys[0]}=COLUMN {keys[1]}=COLUMN"
    )


def note(path: Path, columns: AccuracyColumns, keys: tuple[str, str]) -> str:
    """A line where a search sees what is reported; empty where it does not."""
    if not columns.alike:
        return ""
    return (
        f"{path}: searches see the accuracy that is reported, {columns.seen}, which flatters them all; where the file "
        f"has a validation accuracy, add {keys[0]}=COLUMN {keys[1]}={MEAN.join(columns.reported)}"
    )
