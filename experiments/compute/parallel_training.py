"""Trains independent networks at the same time, each in a process of its own."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path

import joblib
from joblib.externals.loky import get_reusable_executor

from experiments.display.progress import console, track
from experiments.setup.cache import remembering
from experiments.store.looking import NotMade, looking, only_looks
from search_spaces.errors import LutraError

Training = Callable[[], Path]  # makes a step, or several that follow each other; picklable


def train_all(trainings: Sequence[Training], jobs: int) -> None:
    """Calls the unfinished ones, `jobs` at a time. What they made is then found as every finished step is.

    They must not time anything: trainings in other processes would disturb it. Raises LutraError if a process is
    killed.
    """
    left = [training for training in trainings if not _finished(training)]
    jobs = min(jobs, len(left))
    if jobs < 2 or only_looks():  # when only looking, the first one raises NotMade
        for training in left:
            training()
        return
    calls = (joblib.delayed(_silently)(training) for training in left)
    try:
        with joblib.parallel_config(backend="loky", n_jobs=jobs):
            made = joblib.Parallel(batch_size=1, return_as="generator_unordered")(calls)
            list(
                track(made, f"training {len(left)} networks, {jobs} at a time", len(left), lambda one: one.parent.name)
            )
    except BrokenProcessPool:
        raise LutraError(
            f"one of {jobs} processes that train was killed, perhaps for lack of memory: lower jobs; the same command "
            "continues"
        ) from None
    finally:
        get_reusable_executor().shutdown(wait=True)  # or they would stay, with their images, while files are timed


def _finished(training: Training) -> bool:
    try:
        with looking():
            training()
    except NotMade:
        return False
    return True


def _silently(training: Training) -> Path:
    """Calls it without progress bars, which those of several processes would overwrite."""
    console.quiet = True
    _watch(os.getppid())
    with remembering():
        return training()


@cache
def _watch(parent: int) -> None:
    threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: int) -> None:
    """Ends this process once its parent has ended, even by a signal that cannot be caught."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
