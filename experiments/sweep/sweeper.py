"""A resumable --multirun: Hydra's sweep, whose jobs have folders in runs/sweeps/NAME, see `jobs`.

Running the same sweep again repeats the jobs that are missing, failed or interrupted; two processes share the work.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import re
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from hydra import compose, initialize_config_dir
from hydra._internal.utils import get_args_parser
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from experiments.config.groups import CONFIGS
from experiments.config.stored_schema import VERSION_BASE
from experiments.display.progress import console
from experiments.store import artefacts, locks, versions
from experiments.sweep import jobs
from experiments.sweep.job_keys import job_name
from experiments.sweep.jobs import Job
from search_spaces.errors import LutraError

LOG, SUMMARY = "log.txt", "sweep.csv"


@dataclass(frozen=True)
class Sweep:
    """The jobs of this process's --multirun."""

    folder: Path
    asked: list[tuple[str, ...]]  # each job's command and overrides
    plan: IO[str] | None  # the same as a file, locked


def announce(command: str, words: Sequence[str]) -> Sweep:
    """Records the jobs of a --multirun before Hydra begins the first one."""
    given = get_args_parser().parse_args([*words])
    more = [] if given.config_dir is None else [f"hydra.searchpath=[file://{Path(given.config_dir).absolute()}]"]
    with initialize_config_dir(str(CONFIGS), job_name=command, **VERSION_BASE):
        overrides = OverridesParser.create(GlobalHydra.instance().config_loader()).parse_overrides(given.overrides)
        single = [one.input_line for one in overrides if one.input_line and not one.is_sweep_override()]
        config = compose(given.config_name or "config", [*single, *more], return_hydra_config=True)
        own = [one for one in overrides if not re.match("hydra[./]", one.key_or_group)]
        asked = [(command, *job) for job in combinations(own)]
    folder = Path(config.hydra.sweep.dir)
    return Sweep(folder, asked, _plan(folder, asked))


def combinations(overrides: Iterable[Override]) -> Iterator[tuple[str, ...]]:
    """The overrides of each job, combined as in Hydra's own sweeper."""
    values: dict[str, list[str]] = {}  # if a key is given twice, the last values count
    for one in overrides:
        texts = one.sweep_string_iterator() if one.is_sweep_override() else [one.get_value_element_as_str()]
        values[one.get_key_element()] = [f"{one.get_key_element()}={text}" for text in texts]
    return itertools.product(*values.values())


def attempt(settings: DictConfig, work: Callable[[], object]) -> None:
    """Does the work in the job's folder, unless the job is finished or another process runs it.

    A failure is recorded in the folder instead of being raised, so that no launcher stops; Ctrl-C is raised.
    """
    if "TORCHELASTIC_RUN_ID" in os.environ:
        raise LutraError(
            "each of torchrun's processes would run the whole sweep: train once per torchrun, without --multirun"
        )
    hydra = HydraConfig.get()
    folder = Path(hydra.sweep.dir) / job_name(settings)
    if _is_finished(folder):
        jobs.asked_again(folder)
        return
    with contextlib.ExitStack() as stack:
        with artefacts.disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context(open(folder / jobs.LOCK, "a+"))
            claimed = jobs.claim(lock)
        if not claimed:
            jobs.asked_again(folder)
            _say(f"{folder}: skipped, another process runs it")
            return
        stack.callback(locks.empty, lock)
        if not _is_finished(folder):
            _say(f"{folder}")
            jobs.begin(folder, [hydra.job.name, *hydra.overrides.task])
            with _reported(folder), _logged(folder, hydra.runtime.choices["hydra/launcher"]):
                start = time.monotonic()
                jobs.finish(folder, work(), time.monotonic() - start)


def _is_finished(folder: Path) -> bool:
    """Whether the job is done, which is reported. A job with a damaged file is not."""
    try:
        job = jobs.look(folder)
        done = jobs.result(folder) if job is not None and job.state == "done" else None
    except LutraError:
        _say(f"{folder} has a damaged file; running the job again")
        return False
    if done is not None:
        odd = versions.differences(asdict(done))
        _say(f"{folder}: skipped, finished before" + (f" with {odd}; to run it again, delete it" if odd else ""))
    return done is not None


def end(sweep: Sweep) -> list[str]:
    """Waits for jobs of other processes, writes sweep.csv, reports the counts; returns the jobs that are not done."""
    for job in (asked := _asked(sweep)):
        if job.state == "running" and job.folder:
            _say(f"waiting for {locks.holder(job.folder / jobs.LOCK)}: {job.folder}")
            with open(job.folder / jobs.LOCK) as lock:
                locks.take(lock, fcntl.LOCK_SH)
    asked = _asked(sweep)
    names = jobs.labels(asked)
    kinds = dict.fromkeys(key for job in asked for key in job.metrics)
    lines: list[dict[str, Any]] = [
        {"job": name, "state": job.state, "made": job.made, "reason": job.reason}
        | {key: job.metrics.get(key, "") for key in kinds}
        for name, job in zip(names, asked)
    ]
    artefacts.write_csv(sweep.folder / SUMMARY, lines)
    _say(f"{sweep.folder}: {jobs.counts(asked)}")
    return [name for name, job in zip(names, asked) if job.state != "done"]


def _asked(sweep: Sweep) -> list[Job]:
    known = {job.asked: job for job in jobs.jobs_of(sweep.folder)}
    return [known.get(asked, Job(asked, "missing")) for asked in sweep.asked]


def _plan(folder: Path, asked: Sequence[tuple[str, ...]]) -> IO[str] | None:
    path = folder / jobs.PLANS / f"{artefacts.digest(asked)[:16]}.json"
    with contextlib.suppress(LutraError, OSError):  # if Hydra cannot write there either, it reports it
        path.touch() if _is_plan(path) else artefacts.write(path, json.dumps(asked) + "\n")
        plan = open(path)  # noqa: SIM115  closed with the process
        locks.take(plan, fcntl.LOCK_SH)
        return plan
    return None


def _is_plan(path: Path) -> bool:
    """Whether the plan is intact: another process may hold its lock."""
    try:
        return bool(jobs.read_plan(path))
    except LutraError:
        return False


@contextlib.contextmanager
def _reported(folder: Path) -> Iterator[None]:
    """Records which steps begin, and an error as one line, for an unexpected error with its traceback."""

    def record(step: Path) -> None:
        artefacts.write(folder / jobs.STEP, str(step))

    artefacts.listeners.append(record)
    try:
        yield
    except Exception as error:  # whatever it is, the other jobs continue
        known = isinstance(error, LutraError)
        if not known:
            artefacts.write(folder / jobs.TRACEBACK, traceback.format_exc())
        reason = " ".join((f"{error}" if known else f"{type(error).__name__}: {error}").split())
        artefacts.write(folder / jobs.REASON, reason + "\n")
        _say(f"{folder}: failed: {reason}")
    finally:
        artefacts.listeners.remove(record)


@contextlib.contextmanager
def _logged(folder: Path, launcher: str) -> Iterator[None]:
    """Redirects a job's output into its folder if jobs run in parallel."""
    if launcher == "basic":
        yield
        return
    with (
        open(folder / LOG, "a", buffering=1) as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        yield


def _say(line: str) -> None:
    console.print(line, soft_wrap=True, highlight=False, markup=False)
