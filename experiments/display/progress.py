"""Progress bars for everything that takes noticeable time, and one line at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from predictors.board.answer_validation import plain

T = TypeVar("T")
SPEAKS = 60.0  # seconds between lines if no bar can be drawn, as in a log file
console = Console(width=None if sys.stdout.isatty() else 130)


def say(line: str) -> None:
    """Prints a line literally: not as markup or terminal commands."""
    console.print(plain(line, 2000), markup=False, highlight=False, soft_wrap=True)


def show_path(path: Path) -> None:
    """Prints a command's result on one line."""
    console.print(path, soft_wrap=True, highlight=False)


def track(
    items: Iterable[T], description: str, total: int | None, tell: Callable[[T], str] = lambda item: "", done: int = 0
) -> Iterator[T]:
    """Yields the items with a progress bar: count, time, time left, and `tell(last item)`. `done` were done before."""
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
        spoken = time.monotonic()
        for item in items:
            yield item
            progress.update(task, advance=1, note=tell(item))
            if not console.is_terminal and time.monotonic() - spoken > SPEAKS:
                spoken, state = time.monotonic(), progress.tasks[0]
                left = f", {state.time_remaining / 60:.0f} min left" if state.time_remaining else ""
                console.print(f"{description}: {state.completed:.0f} of {total}{left} {tell(item)}", highlight=False)
