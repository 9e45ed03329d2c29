"""Folders of published networks, and processes that run a sweep over them."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from hydra.plugins.sweeper import Sweeper

from experiments.config import command
from experiments.store import artefacts
from experiments.studies.exact import exact
from experiments.sweep.jobs import jobs_of

TABLES, COLUMNS = "abcdef", ("fast_ms", "slow_ms")  # twelve jobs
Event = tuple[str, int]  # part of a file's name, and which of its renames


class Started(NamedTuple):
    process: int
    output: Path

    def end(self) -> tuple[int, str]:
        """Waits for the end; returns the exit code and the output."""
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1]), self.output.read_text()


class House(NamedTuple):
    """A folder of published networks that a sweep runs over."""

    folder: Path

    @property
    def sweep(self) -> Path:
        return self.folder / "runs" / "sweeps" / "exact"

    def arguments(self, tables: Sequence[str] = TABLES) -> list[str]:
        paths = ",".join(str(self.folder / f"{name}.csv") for name in tables)
        columns = f"exact.latency={','.join(COLUMNS)}"
        return ["--multirun", f"runs={self.folder / 'runs'}", f"exact.csv={paths}", columns, "exact.accuracy=percent"]

    def start(self, arguments: Sequence[str], at: Event = ("", 0), send: signal.Signals = signal.SIGKILL) -> Started:
        """Starts the command in its own process group, which gets the signal at the event."""
        output = self.folder / f"output{time.monotonic_ns()}"
        if process := os.fork():
            return Started(process, output)
        code: object = 70
        try:
            os.setsid()
            sys.stdout = sys.stderr = open(output, "w", buffering=1)  # noqa: SIM115
            sys.addaudithook(_signals(at, send))
            Sweeper.validate_batch_is_legal = lambda *_: None  # type: ignore[assignment]  # it composes all jobs
            sys.argv = ["experiments.exact", *arguments]
            command.run(exact)
            code = 0
        except SystemExit as stop:
            code = stop.code
        finally:
            sys.stdout.flush()
            os._exit(code if isinstance(code, int) else 70)

    def states(self) -> Counter[str]:
        return Counter(job.state for job in jobs_of(self.sweep))

    def results(self) -> dict[str, str]:
        """Returns the sweep's table and the hashes of its jobs' files, without the folder's path."""
        table = (self.sweep / "sweep.csv").read_text().replace(str(self.folder), "")
        return {"table": table} | {
            str(path.relative_to(self.folder)): artefacts.sha256(path)
            for path in self.folder.glob("runs/exact/*/*.csv")
        }


def _signals(at: Event, send: signal.Signals) -> Callable[[str, tuple[object, ...]], None]:
    name, left = at

    def hook(event: str, details: tuple[object, ...]) -> None:
        nonlocal left
        if event == "os.rename" and name in str(details[1]):
            left -= 1
            if left == 0:
                os.killpg(os.getpid(), send)

    return hook


def new_tables(folder: Path) -> House:
    """Makes a new folder with the tables of networks that are swept over."""
    folder.mkdir()
    for table in TABLES:
        rng = Random(table)
        lines = ["ops,percent,fast_ms,slow_ms"]
        for picks in itertools.product("012", repeat=3):
            lines.append(",".join(["".join(picks), *(str(rng.uniform(1, 90)) for _ in range(3))]))
        (folder / f"{table}.csv").write_text("\n".join(lines))
    return House(folder)
