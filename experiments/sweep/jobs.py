"""The jobs of a sweep, each with a folder that shows the job's state to any process.

A job is done if result.json exists; else running while a process holds the lock in its folder, which the kernel
releases when that process dies; else failed if reason.txt exists, interrupted if it was begun, and missing if not. It
is damaged if one of its files is invalid; running the same sweep again repeats it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from experiments.store import locks, versions
from experiments.store.json_records import typed
from experiments.sweep.job_files import Begun, Result, read, write
from experiments.sweep.job_metrics import metrics
from search_spaces.documents import DamagedError, read_json, read_text
from search_spaces.errors import LutraError

BEGUN, RESULT, REASON, TRACEBACK, STEP = "job.json", "result.json", "reason.txt", "traceback.txt", "step.txt"
LOCK, PLANS = ".lock", ".plans"
STATES = ("done", "running", "failed", "interrupted", "missing", "damaged")


@dataclass(frozen=True)
class Job:
    """The state of a job at one moment."""

    asked: tuple[str, ...]  # its command and overrides
    state: str  # one of STATES
    folder: Path | None = None  # None: missing
    started: float = 0.0  # seconds since the epoch
    seconds: float | None = None  # its duration, so far; None if unknown
    step: str = ""  # the folder that it works on
    reason: str = ""  # why it failed or is damaged, in one line
    made: str = ""  # the path of its result
    metrics: dict[str, float] = field(default_factory=dict)


def jobs_of(sweep: Path) -> list[Job]:
    """Every job ever requested in the sweep, in order; if what it depends on changed, that of the latest request."""
    found: dict[tuple[str, ...], Job] = {}
    for path in sorted(sweep.glob(f"{PLANS}/*.json"), key=lambda path: path.stat().st_mtime):
        try:
            found |= {asked: Job(asked, "missing") for asked in read_plan(path)}
        except LutraError as error:
            found[path.name,] = Job((path.name,), "damaged", reason=str(error))
    for path in sorted(sweep.glob(f"*/{BEGUN}"), key=lambda path: path.stat().st_mtime):
        if job := _seen(path.parent):
            found[job.asked] = job
    return list(found.values())


def asked_again(folder: Path) -> None:
    """Records that this is the job that its words ask for now; on a read-only disk, no other can be begun."""
    with contextlib.suppress(OSError):
        os.utime(folder / BEGUN)


def _seen(folder: Path) -> Job | None:
    """A folder's job. If its files are damaged, that is its state, so that other jobs are still shown."""
    try:
        return look(folder)
    except LutraError as error:
        with contextlib.suppress(LutraError):
            if (begun := read(folder / BEGUN, Begun)) is not None:
                return Job(begun.asked, "damaged", folder, begun.started, reason=str(error))
        return Job((folder.name,), "damaged", folder, reason=str(error))


def look(folder: Path) -> Job | None:
    """A folder's job; None if it was never begun. Raises LutraError if one of its files was changed."""
    running = held(folder / LOCK)  # before reading files, because a job that ends meanwhile has written them
    begun = read(folder / BEGUN, Begun)
    if begun is None:
        return None
    asked, started, reason = begun.asked, begun.started, folder / REASON
    if (done := result(folder)) is not None:
        return Job(asked, "done", folder, started, done.seconds, made=done.made, metrics=done.metrics)
    if running:
        return Job(asked, "running", folder, started, time.time() - started, _line(folder / STEP))
    if reason.exists():
        seconds = reason.stat().st_mtime - started
        return Job(asked, "failed", folder, started, seconds, reason=_line(reason))
    return Job(asked, "interrupted", folder, started)


def begin(folder: Path, asked: Sequence[str]) -> None:
    """Removes the results of earlier attempts, and records the new one."""
    for name in (RESULT, REASON, TRACEBACK, STEP):
        (folder / name).unlink(missing_ok=True)
    begun = Begun(tuple(asked), time.time(), platform.node(), os.getpid(), folder.name)
    write(folder / BEGUN, begun)


def finish(folder: Path, made: object, seconds: float) -> None:
    path = str(made) if isinstance(made, Path) else ""
    done = Result(path, seconds, metrics(Path(path)) if path else {}, folder.name, **versions.made_by())
    write(folder / RESULT, done)


def result(folder: Path) -> Result | None:
    """The result of a finished job; None if there is none, or if what it made is gone."""
    done = read(folder / RESULT, Result)
    return done if done is not None and (not done.made or Path(done.made).exists()) else None


def labels(jobs: Sequence[Job]) -> list[str]:
    """The words that distinguish each job: those that not all jobs share."""
    shared = set.intersection(*(set(job.asked) for job in jobs)) if len(jobs) > 1 else set()
    return [" ".join(one for one in job.asked if one not in shared) for job in jobs]


def counts(jobs: Sequence[Job]) -> str:
    """A summary such as "2 done, 1 failed"."""
    states = [job.state for job in jobs]
    return ", ".join(f"{states.count(state)} {state}" for state in STATES if state in states)


def swept(sweep: Path) -> bool:
    """Whether a process works on the sweep."""
    return any(not _free(path) for path in sweep.glob(f"{PLANS}/*.json"))


def claim(lock: IO[str]) -> bool:
    """Takes a job's lock unless another process runs the job."""
    if not locks.take(lock, fcntl.LOCK_EX | fcntl.LOCK_NB):
        if not locks.take(lock, fcntl.LOCK_SH | fcntl.LOCK_NB):
            return False
        locks.take(lock, fcntl.LOCK_EX)  # shared locks are only held for a moment
    locks.sign(lock)
    return True


def held(path: Path) -> bool:
    """Whether a process holds the lock exclusively."""
    if not path.exists():
        return False
    with open(path) as lock:
        return not locks.take(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)


def _free(path: Path) -> bool:
    """Whether no process holds a plan. On network file systems this requires permission to write to it."""
    try:
        with open(path, "r+") as plan:
            return locks.take(plan, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        with open(path) as plan:
            return locks.take(plan, fcntl.LOCK_EX | fcntl.LOCK_NB)


def read_plan(path: Path) -> tuple[tuple[str, ...], ...]:
    """The jobs of a sweep: each its command and overrides."""
    try:
        plan = typed(tuple[tuple[str, ...], ...], read_json(path, "list of jobs", list), path)
        if not plan:
            raise DamagedError(f"{path} lists no job")
        return plan
    except DamagedError as error:
        raise LutraError(f"{error}; delete it and run the same command again") from None


def _line(path: Path) -> str:
    """A file's line of text; empty if it cannot be read."""
    try:
        return read_text(path).strip()
    except LutraError:
        return ""
