"""The files in a job's folder that say when it began and how it ended; sealed, and valid only in that folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from experiments.store import artefacts
from experiments.store.json_records import record
from search_spaces.documents import DamagedError, read_sealed, sealed
from search_spaces.errors import LutraError


@dataclass(frozen=True)
class Begun:
    """The content of job.json."""

    asked: tuple[str, ...]
    started: float
    host: str
    process: int
    job: str  # the name of its folder


@dataclass(frozen=True)
class Result:
    """The content of result.json."""

    made: str
    seconds: float
    metrics: dict[str, float]
    job: str  # the name of its folder
    versions: dict[str, str]  # this and the next two as in a step's manifest
    code: dict[str, str]
    git_commit: str | None


Kind = TypeVar("Kind", Begun, Result)


def write(path: Path, content: Begun | Result) -> None:
    artefacts.write(path, sealed(asdict(content)))


def read(path: Path, kind: type[Kind]) -> Kind | None:
    """The file's content; None if there is no file. Raises LutraError if it was changed."""
    if not path.exists():
        return None
    try:
        found = record(kind, read_sealed(path), path)
        if found.job != path.parent.name:
            raise DamagedError(f"{path} belongs to another job, {found.job}")
        return found
    except DamagedError as error:
        raise LutraError(f"{error}; delete {path.parent} and run the same command again") from None
