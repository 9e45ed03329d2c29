"""Shared by the benchmarks on published measurements: KEY=VALUE arguments, paths of files, errors as one line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from search_spaces.errors import LutraError, unknown
from strategies.problems.published_columns import MEAN, accuracy_columns, note
from strategies.problems.tabular_problem import Table, read_csv

KEYS = (
    "csv",
    "macro",
    "table",
    "precision",
    "fbnet",
    "images",
    "steps",
    "seeds",
    "part",
    "options",
    "accuracy",
    "report",
    "latency",
    "runs",
    "fidelity",
    "edge",
    "mobile",
    "hand_made",
    "comparison",
    "transfer",
    "smoke",
    "minutes",
    "model",
    "out",
    "work",
    "space",
    "compiled",
    "threads",
    "jobs",
)  # of all benchmarks, because make bench passes all to each


def parse(arguments: Sequence[str], defaults: Mapping[str, str]) -> dict[str, str]:
    """The defaults, changed by arguments; ignores keys of other benchmarks, and dotted keys of commands."""
    settings = dict(defaults)
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key in settings:
            settings[key] = value
        elif key not in KEYS and "." not in key:
            raise unknown("option", key, settings)
    seeds = settings.get("seeds", "1")
    if not seeds.isdecimal() or int(seeds) < 1:
        raise LutraError(f"seeds must be a positive number, not {seeds!r}")
    return settings


def published(given: str, name: str, say: str) -> Path:
    """The given file, or the one of that name in $LUTRA_DATA. `say`: what to type if there is none."""
    path = Path(given) if given else Path(os.environ.get("LUTRA_DATA", "../shared/data")) / name
    if not path.exists():
        raise LutraError(f"there is no {path}; say {say}")
    return path


def published_table(settings: Mapping[str, str], name: str) -> tuple[Path, Table]:
    """The file of networks, by default `name`, and its table: accuracies seen by searches, and reported ones."""
    path = published(settings["csv"], name, "csv=FILE with the columns options=, accuracy=, report= (%), latency= (ms)")
    keys = ("accuracy", "report")
    columns = accuracy_columns(path, settings["accuracy"], settings["report"], keys)
    if line := note(path, columns, keys):
        print(line, file=sys.stderr)
    reported = MEAN.join(columns.reported)
    return path, read_csv(path, settings["options"], columns.seen, settings["latency"], reported=reported)


def run(main: Callable[[Sequence[str]], None]) -> None:
    """Runs a benchmark; an error, a failed command or a missing peer is one line and exit code 2."""
    try:
        main(sys.argv[1:])
    except subprocess.CalledProcessError as error:
        command = " ".join(map(str, error.cmd))
        print(f"error: exit code {error.returncode}, see above; to repeat only this: {command}", file=sys.stderr)
        sys.exit(2)
    except ImportError as error:
        print(f'error: {error.name} is not installed: .venv/bin/pip install -e ".[bench]"', file=sys.stderr)
        sys.exit(2)
    except LutraError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
