"""Measures on an offline board: a folder to copy there, `python3 run.py` in it, and a results file to copy back.

The folder holds the same program that measures over a connection, so the results are the answers that a live board
would give. The host makes a table by running the measurement again with these answers.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO, Any

from predictors.agent.runtimes import RUNTIMES
from predictors.board.answer_validation import checked
from predictors.board.device import Connection
from predictors.board.fingerprint import runtime_of
from predictors.board.local_device import local
from predictors.board.offline_files import opened, program, sealed, sha256, unchanged
from predictors.board.resumable import Record, resumable
from predictors.timing.rounds import Protocol, measure
from predictors.timing.values import Row, rows_of
from search_spaces.errors import LutraError

JOB, RESULTS = "lutra/bundle/1", "lutra/bundle-results/1"
DOES = "times the networks of this folder on this machine; may be interrupted and run again."


@dataclass(frozen=True)
class Results:
    """A board's answers. `passport` is the fingerprint of the board."""

    passport: Mapping[str, Any]
    rounds: tuple[Record, ...]


def contents(
    files: Mapping[str, bytes],
    protocol: Protocol,
    threads: int,
    cores: str = "",
    rows: Mapping[str, Row] | None = None,
    runtime: str = "onnxruntime",
) -> Iterator[tuple[str, bytes]]:
    """The folder's files: relative paths and contents."""
    hashes = {name: sha256(file) for name, file in files.items()}
    numbers = {field.name: getattr(protocol, field.name) for field in fields(Protocol)}
    job = {"schema": JOB, "threads": threads, "cores": cores, "protocol": numbers, "files": hashes}
    job |= {"runtime": runtime} if runtime != "onnxruntime" else {}  # older jobs name no runtime
    job["rows"] = {name: asdict(row) for name, row in (rows_of(files) if rows is None else rows).items()}
    yield "job.json", sealed(job)
    for name, file in files.items():
        yield f"files/{hashes[name]}", file
    yield from program(__file__, run.__name__, DOES, runtime)


def run(folder: Path, say: Callable[[str], None] = print) -> None:
    """On the board: measures, and saves every finished round in results.json."""
    try:
        with open(folder / ".lock", "a") as lock:  # writable, as locks on network file systems require
            _take(lock, say)
            _run(folder, say)
    except BlockingIOError:
        sys.exit("error: run.py is already running in this folder")
    except (LutraError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; python3 run.py continues from the finished rounds")


def _take(lock: IO[str], say: Callable[[str], None]) -> None:
    """Locks the folder, if it has locks. Raises BlockingIOError if another process holds the lock."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        say(f"this folder has no file locks ({error.strerror}): do not start run.py in it twice")


def _run(folder: Path, say: Callable[[str], None]) -> None:
    job = opened(folder / "job.json", JOB)
    path, protocol = folder / "results.json", Protocol(**job["protocol"])
    files = {name: unchanged(folder / "files" / sha, sha) for name, sha in job["files"].items()}
    rows = {name: Row(**row) for name, row in job["rows"].items()}
    before = opened(path, RESULTS) if path.exists() else {"job": _identity(job), "rounds": []}
    rounds = list(before["rounds"])

    with _board(job) as board:
        results: dict[str, Any] = {"schema": RESULTS, "job": _identity(job), "passport": dict(board.passport)}
        if (before["job"], before.get("passport", results["passport"])) != (results["job"], results["passport"]):
            raise LutraError(f"{path} is from another bundle or board: move it away, and run this again")

    name = runtime_of(results["passport"])
    version, package = results["passport"][name], RUNTIMES[name]
    if results["passport"]["machine"] in package.BROKEN.get(version, ()):
        say(f"{package.PACKAGE} {version} crashes on some ARM processors: install another version")

    def keep(record: Record) -> None:
        rounds.append(record)
        _write(path, sealed({**results, "rounds": rounds, "finished": False}))

    say(f"timing {len(files)} networks on {results['passport']['cpu']}, at most {protocol.max_rounds} rounds")
    start = time.monotonic()
    with resumable(lambda again: _board(job, say), list(rounds), keep, say) as resumable_board:
        for number, done in enumerate(measure(resumable_board, files, protocol, rows=rows), 1):
            say(f"round {number}: {len(done.order)} samples, {time.monotonic() - start:.0f} s so far")
    _write(path, sealed({**results, "rounds": rounds, "finished": True}))
    say(f"done: copy {path} back")


@contextmanager
def _board(job: Mapping[str, Any], say: Callable[[str], None] | None = None) -> Iterator[Connection]:
    """This machine; if `say` is given, waits until no other measurement runs on it."""
    with local(job["threads"], cores=job["cores"], runtime=job.get("runtime", "onnxruntime")) as board:
        if say is not None:
            board.lock(say)
        yield board


def _identity(job: dict[str, Any]) -> str:
    """The job's hash, without the cap on rounds: a job with a higher cap continues from earlier results."""
    protocol = {key: value for key, value in job["protocol"].items() if key != "max_rounds"}
    return sha256(sealed({**{key: value for key, value in job.items() if key != "sha256"}, "protocol": protocol}))


def read_results(path: Path) -> Results:
    """Reads the results that run.py wrote. Raises LutraError if they are damaged or not finished."""
    content = opened(path, RESULTS)
    rounds, passport = content.get("rounds"), checked(str(path), "passport", {}, content.get("passport"))
    if not isinstance(rounds, list) or not isinstance(passport.get("threads"), int):
        raise LutraError(f"{path} holds no rounds: run python3 run.py on the board again")
    if content.get("finished") is not True:
        raise LutraError(
            f"{path} holds {len(rounds)} rounds and is not finished: run python3 run.py on the board again"
        )
    return Results(passport, tuple(rounds))


class OfflineBoard:
    """A board whose only answers are those in a results file."""

    def __init__(self, path: Path, results: Results) -> None:
        self._path, self.passport, self.threads = path, results.passport, results.passport["threads"]

    def load(self, name: str, file: bytes) -> None:
        """Does nothing: the board has the file."""

    def round(self, order: Any, seconds: float, each: bool = False) -> dict[str, Any]:
        return self.ask("round")

    def ask(self, do: str, **arguments: Any) -> Any:
        if do == "state":
            return {}
        if do == "peak_memory":
            return {"peak": None, "runtime": None}
        raise LutraError(
            f"{self._path} does not contain this: an offline board answers no new requests, and its results are for "
            "the networks that `python -m experiments.measure device=bundle` wrote, with the same settings"
        )


def _write(path: Path, data: bytes) -> None:
    """Writes the file atomically."""
    fresh = path.with_suffix(".new")
    with open(fresh, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
