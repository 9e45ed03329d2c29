"""Which accuracy column of a published file a search sees, and which are reported for the network that it chooses.

A search that sees the test accuracy would be judged by what it was fitted to. So it sees a validation accuracy, or the
accuracy of one of several trainings, and another column is reported, as intended by NAS-Bench-201 (Dong & Yang 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from search_spaces.errors import LutraError, unknown
from search_spaces.published import header

MEAN = "+"  # separates columns whose mean is reported


@dataclass(frozen=True)
class AccuracyColumns:
    """Names of columns."""

    seen: str  # the column that a search sees
    reported: tuple[str, ...]  # their mean is reported

    @property
    def alike(self) -> bool:
        """Whether a search sees the reported accuracy, or part of it."""
        return self.seen in self.reported


KNOWN = (
    AccuracyColumns("accuracy_12epoch_percent", ("accuracy_percent",)),  # NAS-Bench-201: validation, test
    AccuracyColumns("acc1", ("acc2", "acc3")),  # NAS-Bench-Macro: three trainings with different seeds
)
LONE = ("accuracy_percent", "mean_acc")  # in files with a single accuracy


def accuracy_columns(path: Path, seen: str, reported: str, keys: tuple[str, str]) -> AccuracyColumns:
    """The requested columns; if a name is empty, the known columns of the file's header.

    `reported` may name several columns, separated by "+". Raises LutraError for an unknown column; for an unknown
    header, the error names the `keys` that choose the columns.
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
        f"{path} has none of the known accuracy columns, only {', '.join(names)}; choose the column that searches see "
        f"and the column to report: {keys[0]}=COLUMN {keys[1]}=COLUMN"
    )


def note(path: Path, columns: AccuracyColumns, keys: tuple[str, str]) -> str:
    """A warning if a search sees the reported accuracy; otherwise empty."""
    if not columns.alike:
        return ""
    return (
        f"{path}: searches see the reported accuracy, {columns.seen}, which flatters all of them; if the file "
        f"has a validation accuracy, add {keys[0]}=COLUMN {keys[1]}={MEAN.join(columns.reported)}"
    )
