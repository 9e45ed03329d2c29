"""Judges latency predictors on networks that they have not seen, after training on more and more networks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from rich.table import Table
from threadpoolctl import threadpool_limits

from experiments.comparison.published_latencies import Measurements, read_measurements
from experiments.config import Config
from experiments.config.reference import Reference
from experiments.display.progress import track
from experiments.steps.plan import plan_of
from experiments.store import artefacts
from experiments.store.key_fields import FOLDER, implied
from experiments.store.step import Means, Step
from paper.rows import Judged
from predictors.metrics.agreement import agreement
from predictors.models.learned import LEARNERS, Learner
from search_spaces.documents import read_csv
from search_spaces.errors import LutraError

LEFT = 20  # predictors are judged on at least this many networks


@dataclass(frozen=True)
class Published:
    """The columns of a file of measurements, and the numbers of training networks."""

    options: str
    latency: str
    unit: str
    train: list[int]
    seeds: int
    label: str = implied(FOLDER)


def of_published(config: Config, path: Path) -> Path:
    """The folder of fidelity.csv, made from a file of measurements."""
    chosen = config.fidelity
    settings = Published(chosen.options, chosen.latency, chosen.unit, chosen.train, chosen.seeds, path.stem)
    check_sizes(read_measurements(path, settings), chosen.train, str(path))
    step = Step("fidelity", settings, {"csv": path}, Reference("experiments.comparison.learning_curves:work"))
    return plan_of(config).folder(step)


def work(settings: Published, files: Mapping[str, Path], means: Means, folder: Path) -> None:
    """Trains the predictors on more and more networks of the file."""
    sizes, seeds = settings.train, settings.seeds
    found = points(settings.label, read_measurements(files["csv"], settings), LEARNERS, sizes, seeds)
    total = len(sizes) * seeds * len(LEARNERS)
    rows = [asdict(one) for one in track(found, "learning", total, lambda one: f"{one.predictor}, {one.trained_on}")]
    artefacts.write_csv(folder / "fidelity.csv", rows)


def check_sizes(measurements: Measurements, sizes: Iterable[int], name: str) -> None:
    """Raises LutraError for too few training networks, or too few others."""
    count = len(measurements.seconds)
    for size in sizes:
        if not 3 <= size <= count - LEFT:
            fitting = [n for n in (50, 100, 200, 400, 900) if n <= count - LEFT]
            advice = f"fidelity.train={str(fitting).replace(' ', '')}" if fitting else "a file of more networks"
            raise LutraError(
                f"{name} has {count} networks: predictors cannot learn from {size} of them, because they learn from at "
                f"least 3, and are judged by {LEFT} others; try {advice}"
            )


def point(data: str, predictor: str, trained_on: int, seed: int, predicted: np.ndarray, measured: np.ndarray) -> Judged:
    """A row from predicted and measured seconds [n]."""
    agreed = asdict(agreement(predicted, measured))
    return Judged(data, predictor, trained_on, seed=seed, held_out=len(measured), **agreed)


def points(
    data: str, measurements: Measurements, learners: Mapping[str, Learner], sizes: Iterable[int], seeds: int
) -> Iterator[Judged]:
    """Every predictor on the same splits: each trains on the first `size` networks of the seed's permutation."""
    archs, seconds = measurements.archs, measurements.seconds
    for size, seed in product(sizes, range(seeds)):
        known, others = split(measurements, size, seed)
        for name, learner in learners.items():
            with threadpool_limits(1):  # the matrices are too small for several threads
                predict = learner(archs[known], seconds[known], measurements.options)
                yield point(data, name, size, seed, predict(archs[others]), seconds[others])


def split(measurements: Measurements, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The indices of `size` networks to learn from, and of all others."""
    order = np.random.default_rng(seed).permutation(len(measurements.seconds))
    return order[:size], order[size:]


def read_points(path: Path) -> list[Judged]:
    """The rows of fidelity.csv."""
    kinds: dict[str, Any] = get_type_hints(Judged)
    rows = read_csv(path, kinds)
    try:
        return [Judged(**{name: kind(row[name]) for name, kind in kinds.items()}) for _, row in rows]
    except ValueError as error:
        raise LutraError(f"{path} is damaged: {error}; delete its folder, and repeat the command") from None


def shown(found: Iterable[Judged], data: str) -> Table:
    """A table for one kind of data: a row per predictor and training size, with medians over the seeds."""
    columns = ("learned from", "predictor", "bias %", "MAPE %", "within 5 %", "within 10 %", "tau-b", "tau-a")
    groups: dict[tuple[str, str], list[Judged]] = {}
    for one in found:
        if one.data == data:
            groups.setdefault((str(one.trained_on), one.predictor), []).append(one)
    held_out = sorted({one.held_out for group in groups.values() for one in group})
    table = Table(*columns, title=f"{data}: {', '.join(map(str, held_out))} held-out networks")
    for names, group in groups.items():
        shares = [f"{100 * median(group, column):.2f}" for column in ("bias", "mape", "within_5", "within_10")]
        table.add_row(*names, *shares, *(f"{median(group, column):.4f}" for column in ("tau", "tau_a")))
    return table


def median(group: Iterable[Judged], column: str) -> float:
    """The median of a column over the seeds."""
    return float(np.median([getattr(one, column) for one in group]))
