"""Runs every step, from the latency table to the INT8 file measured on the device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from experiments.config import Config
from experiments.display.progress import console
from experiments.steps.benchmark import benchmark, retrain
from experiments.steps.compress import compress
from experiments.steps.plan import measure, plan_of, search, train
from experiments.steps.report import check_reportable, report

STEPS: tuple[Callable[[Config], Path], ...] = (measure, train, search, retrain, compress, benchmark, report)


def pipeline(config: Config) -> Path:
    """The report's folder. Finished steps are not repeated."""
    check_reportable(config)
    for number, step in enumerate(STEPS, 1):
        console.print(f"[bold]{number}/{len(STEPS)} {step.__name__}[/bold]")
        made = step(config)
        if step is measure:
            plan_of(config).check_search()
        console.print(f"  {made}", soft_wrap=True, highlight=False)
    return made
