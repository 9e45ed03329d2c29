"""Runs every step, from the latency table to the INT8 file measured on the device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from experiments.config import Config
from experiments.config.choices import space_of
from experiments.display.progress import console
from experiments.setup.targets import objective_of
from experiments.steps.benchmark import benchmark, retrain
from experiments.steps.compress import compress
from experiments.steps.plan import measure, search, train
from experiments.steps.report import check_reportable, report
from predictors.tables.table_file import read_table

STEPS: tuple[Callable[[Config], Path], ...] = (measure, train, search, retrain, compress, benchmark, report)


def pipeline(config: Config) -> Path:
    """The report's folder. Finished steps are not repeated."""
    check_reportable(config)
    for number, step in enumerate(STEPS, 1):
        console.print(f"[bold]{number}/{len(STEPS)} {step.__name__}[/bold]")
        made = step(config)
        if step is measure and not config.run:  # an unreachable target is an error before training
            objective_of(config.objective, config.precision, space_of(config), read_table(made))
        console.print(f"  {made}", soft_wrap=True, highlight=False)
    return made
