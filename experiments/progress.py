"""Progress bars on whatever takes longer than a blink; one line when it is done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

T = TypeVar("T")
console = Console(width=None if sys.stdout.isatty() else 120)


def track(
    items: Iterable[T], description: str, total: int | None, tell: Callable[[T], str] = lambda item: "", done: int = 0
) -> Iterator[T]:
    """Yields the items behind a bar with count, time spent, time left, and what `tell` says of the last one; `done` of
    them came before."""
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(description, total=total, completed=done, note="")
        for item in items:
            yield item
            progress.update(task, advance=1, note=tell(item))
