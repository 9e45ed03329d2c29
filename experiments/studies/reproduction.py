"""Runs every command whose results the paper can show, publishes them, and says how long each took.

Finished steps are kept, so after an interruption the same command continues. The seconds of a part are those of the
steps that no earlier part needed, in this and in earlier commands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from rich.table import Table

from experiments.config import Config
from experiments.config.command_config import PARTS
from experiments.config.reference import Reference
from experiments.config.system_errors import explained
from experiments.display.progress import console
from experiments.display.publish import put
from experiments.store import artefacts
from experiments.store.step_index import index
from paper.duration_rows import Part
from paper.rows import FILES, read
from paper.setup_file import setup
from search_spaces.errors import LutraError

COMMANDS: Mapping[str, Callable[[Config], Path]] = {
    name: Reference(f"experiments.{'steps' if name == 'pipeline' else 'studies'}.{name}:{name}") for name in PARTS
}


def reproduce(config: Config) -> Path:
    """The folder of the published files. Prints how long each part took, and publishes it as reproduce.csv.

    A part that fails does not end the others; raises LutraError at the end, with the reason of each.
    """
    counted: set[str] = set()
    seconds: dict[str, float] = {}
    failed: dict[str, LutraError] = {}
    for number, name in enumerate(config.reproduce.parts, 1):
        console.print(f"[bold]part {number}/{len(config.reproduce.parts)} {name}[/bold]")
        try:
            with explained():
                made = COMMANDS[name](replace(config, publish=True))
        except LutraError as error:
            failed[name] = error
            console.print(f"  {name}: {error}", highlight=False, soft_wrap=True)
            continue
        seconds[name] = spent(Path(config.runs), made, counted)
        console.print(f"  {name}: {minutes(seconds[name])} min", highlight=False)
    console.print(shown(seconds))
    if seconds:
        publish(Path(config.results), seconds)
    if failed:
        reasons = "; ".join(f"{name}: {error}" for name, error in failed.items())
        raise LutraError(f"{len(failed)} of {len(config.reproduce.parts)} parts failed, the others are done: {reasons}")
    return Path(config.results)


def publish(results: Path, seconds: Mapping[str, float]) -> None:
    """Publishes the parts' seconds; those of other parts of the published run stay."""
    table = setup(results).values.get("table_sha256", "") if (results / "setup.csv").exists() else ""
    earlier = read(results, Part) if (results / FILES[Part]).exists() else []
    kept = [part for part in earlier if part.table_sha256 == table and part.part not in seconds]
    parts = [*kept, *(Part(name, own, table) for name, own in seconds.items())]
    put(results, {FILES[Part]: artefacts.csv_text([asdict(part) for part in parts]).encode()})


def spent(runs: Path, made: Path, counted: set[str]) -> float:
    """The seconds of a finished step and of all steps that it needed, without those `counted`; adds them to these."""
    known = index(runs)
    keys = {artefacts.sha256(made / artefacts.MANIFEST)}
    keys |= {key for key, _ in known.ancestors(artefacts.manifest(made)["inputs"])}
    new = keys - counted
    counted |= new
    return sum(float(known.records[key]["seconds"]) for key in new)


def minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f}"


def shown(seconds: Mapping[str, float]) -> Table:
    """A line for each part, and their sum."""
    title = "how long the steps of each part took, on the machine that made it; with jobs=2, some at the same time"
    table = Table("part", "minutes", title=title)
    table.columns[1].justify = "right"
    for name, own in seconds.items():
        table.add_row(name, minutes(own))
    table.add_row("all", minutes(sum(seconds.values())))
    return table
