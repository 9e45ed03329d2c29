"""Evaluates a population in one process, several, or on several machines: joblib's loky, threading, dask or ray."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import chain
from typing import Any

import joblib
import numpy as np
import torch

from experiments.config import BACKENDS
from search_spaces.errors import LutraError
from search_spaces.space import Arch

Accuracies = Callable[[Sequence[Arch]], Sequence[float]]


def spread(accuracies: Accuracies, jobs: int, backend: str, threads: int) -> Accuracies:
    """The same accuracies, computed by `jobs` jobs of `threads` threads each; the function must be picklable.

    Each job gets neighbours in the order of choices, which share their first layers.
    """
    if jobs == 1:
        return accuracies
    _connect(backend, jobs)

    def job(archs: Sequence[Arch]) -> Sequence[float]:
        torch.set_num_threads(threads)  # rounding depends on the number of threads
        return accuracies(archs)

    def spread_out(archs: Sequence[Arch]) -> list[float]:
        order = sorted(range(len(archs)), key=archs.__getitem__)
        parts = [[archs[i] for i in part] for part in np.array_split(order, min(jobs, len(archs)))]
        with joblib.parallel_config(backend=backend, n_jobs=jobs):
            found = joblib.Parallel(batch_size=1)(joblib.delayed(job)(part) for part in parts)
        by_place = dict(zip(order, chain.from_iterable(found), strict=True))
        return [by_place[place] for place in range(len(archs))]

    return spread_out


@cache
def _connect(backend: str, jobs: int) -> Any:
    """A cluster for backends that need one: that of $DASK_SCHEDULER_ADDRESS or $RAY_ADDRESS, or else a new local one.

    Raises LutraError if its package is not installed.
    """
    try:
        if backend == "dask":
            from dask import config
            from distributed import Client

            return Client() if config.get("scheduler-address", None) else Client(n_workers=jobs, threads_per_worker=1)
        if backend == "ray":
            import ray
            from ray.util.joblib import register_ray

            register_ray()
            return ray.init(ignore_reinit_error=True)
    except ImportError as error:
        raise LutraError(
            f"search.backend={backend} needs {error.name}: pip install '{BACKENDS[backend]}', or use loky or threading"
        ) from None
