"""Trains independent networks at the same time, each in a process of its own."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import joblib

from experiments.display.progress import console, track
from experiments.setup.cache import remembering
from experiments.store.looking import NotMade, looking

Training = Callable[[], Path]  # makes a step, or several that follow each other; picklable


def train_all(trainings: Sequence[Training], jobs: int) -> None:
    """Calls the unfinished ones, `jobs` at a time. What they made is then found as every finished step is.

    They must not time anything: trainings in other processes would disturb it.
    """
    left = [training for training in trainings if not _finished(training)]
    if jobs == 1 or len(left) < 2:
        for training in left:
            training()
        return
    with joblib.parallel_config(backend="loky", n_jobs=jobs):
        calls = (joblib.delayed(_silently)(training) for training in left)
        done = joblib.Parallel(batch_size=1, return_as="generator_unordered")(calls)
        list(track(done, f"training {len(left)} networks, {jobs} at a time", len(left)))


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
    threading.Thread(target=_end_after, args=(os.getppid(),), daemon=True).start()
    with remembering():
        return training()


def _end_after(parent: int) -> None:
    """Ends this process once its parent has ended, even by a signal that cannot be caught."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
