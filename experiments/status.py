"""python -m experiments.status: the state of a sweep's jobs, and the best so far; status.follow=true keeps updating.

Shows sweep=NAME, or the latest sweep.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from experiments.config import Config, command
from experiments.display.progress import console
from experiments.sweep import job_metrics, jobs
from experiments.sweep.jobs import Job
from search_spaces.errors import LutraError, unknown

EVERY = 1.0  # seconds between updates
MEASURED = {  # metric -> heading, factor, format
    "test_accuracy": ("test %", 100.0, ".2f"),
    "validation_accuracy": ("val %", 100.0, ".2f"),
    "accuracy": ("accuracy %", 100.0, ".2f"),
    "latency_s": ("ms", 1e3, ".4g"),
    job_metrics.TARGET: ("target ms", 1e3, ".4g"),
    "file_bytes": ("KB", 1e-3, ".1f"),
}
COLOURS = {
    "done": "green",
    "running": "cyan",
    "failed": "red",
    "interrupted": "yellow",
    "missing": "dim",
    "damaged": "red",
}


def status(config: Config) -> None:
    """Prints the table once, or updates it until no process works on the sweep."""
    sweep = chosen(config)
    if not config.status.follow:
        console.print(overview(sweep))
        return
    with Live(overview(sweep), console=console, auto_refresh=False) as live:
        while jobs.swept(sweep):
            time.sleep(EVERY)
            live.update(overview(sweep), refresh=True)
        live.update(overview(sweep), refresh=True)


def chosen(config: Config) -> Path:
    """The folder of the sweep. Raises LutraError if there is none."""
    plans = (Path(config.runs) / "sweeps").glob(f"*/{jobs.PLANS}/*.json")
    begun = {path.parents[1].name: path.parents[1] for path in sorted(plans, key=lambda path: path.stat().st_mtime)}
    if not begun:
        raise LutraError(
            f"there is no sweep in {config.runs}; start one: python -m experiments.pipeline --multirun seed=0,1"
        )
    name = config.sweep if config.sweep != "status" else list(begun)[-1]  # "status" is this command's own name
    if name not in begun:
        raise unknown("sweep", name, begun)
    return begun[name]


def overview(sweep: Path) -> Group:
    """The table, the counts, the best jobs, and the reasons of failures."""
    found = jobs.jobs_of(sweep)
    names = jobs.labels(found)
    kinds = [kind for kind in MEASURED if any(kind in job.metrics for job in found)]
    table = Table(
        "job", "state", "began", "for", *(MEASURED[kind][0] for kind in kinds), "working on", title=escape(str(sweep))
    )
    for column in table.columns[3 : 4 + len(kinds)]:
        column.justify = "right"
    for name, job in zip(names, found):
        began = time.strftime("%d %b %H:%M:%S", time.localtime(job.started)) if job.started else ""
        spent = f"{job.seconds:.0f} s" if job.seconds is not None else ""
        state = f"[{COLOURS[job.state]}]{job.state}[/]"
        table.add_row(
            escape(name),
            state,
            began,
            spent,
            *(_marked(job, kind) for kind in kinds),
            "/".join(Path(job.step).parts[-2:]),
        )
    complete = all(job.state == "done" for job in found)
    running = "" if complete or jobs.swept(sweep) else "; no process works on it: run the same command to continue"
    lines = [f"{jobs.counts(found)} of {len(found)}{running}", *_best(names, found, kinds)]
    failures = [f"{name}: {job.reason}" for name, job in zip(names, found) if job.state in ("failed", "damaged")]
    return Group(table, *map(escape, (*lines, *failures)))


def _best(names: Sequence[str], found: Sequence[Job], kinds: Sequence[str]) -> list[str]:
    """The most accurate and the fastest of the jobs that meet their target; and the jobs that miss it."""
    timed = [(name, job) for name, job in zip(names, found) if "latency_s" in job.metrics]
    done = [(name, job) for name, job in timed if not job_metrics.misses(job.metrics)]
    missed = [name for name, job in timed if job_metrics.misses(job.metrics)]
    lines = [f"{len(missed)} of {len(timed)} miss their target: {', '.join(missed)}"] if missed else []
    if not done:
        return lines
    accurate = max(done, key=lambda one: (one[1].metrics.get(kinds[0], 0), -one[1].metrics["latency_s"]))
    fastest = min(done, key=lambda one: one[1].metrics["latency_s"])
    return lines + [
        f"{what} so far: {name}: " + ", ".join(f"{_cell(job, kind)} {MEASURED[kind][0]}" for kind in kinds)
        for what, (name, job) in (("most accurate", accurate), ("fastest", fastest))
    ]


def _marked(job: Job, kind: str) -> str:
    """A cell of the table, in which a latency above its target is marked."""
    return (
        f"[red]{_cell(job, kind)} misses[/]"
        if kind == "latency_s" and job_metrics.misses(job.metrics)
        else _cell(job, kind)
    )


def _cell(job: Job, kind: str) -> str:
    _, factor, style = MEASURED[kind]
    return format(factor * job.metrics[kind], style) if kind in job.metrics else ""


if __name__ == "__main__":
    command.run("experiments.status:status")
