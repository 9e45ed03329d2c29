"""Writes a setup file: the inputs of a comparison, which the paper's build compares with the other files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.comparison.compared_problem import ComparedProblem, Settings
from experiments.display.publish import put
from experiments.store import artefacts
from paper.comparison import SETUP
from predictors.agent import passport
from search_spaces.documents import read_csv


def write(folder: Path, settings: Settings, files: Mapping[str, Path], compared: ComparedProblem) -> None:
    """The facts known before the searches begin: the problem, the settings and the machine."""
    facts = {
        "problem": compared.title,
        **compared.facts,
        **{f"{name}_sha256": artefacts.sha256(path) for name, path in files.items()},
        "objective": settings.objective.name,
        "strategies": " ".join(one.name for one in settings.strategies),
        "first_seed": settings.seed,
        "seeds": settings.compare.seeds,
        "seconds_limit": settings.compare.seconds or "",
    }
    write_facts(folder / SETUP, facts)


def write_facts(path: Path, facts: Mapping[str, Any]) -> None:
    """Writes facts, and the machine that this process runs on."""
    host = passport()
    artefacts.write(path, _text({**facts, "host_cpu": host["cpu"], "host_machine": host["machine"]}))


def publish(
    folder: Path, results: Path, names: Sequence[str], setup: str = SETUP, now: Mapping[str, str] | None = None
) -> None:
    """Publishes the files of a finished comparison with their hashes, the versions and the commit.

    `now`: facts that may have changed since it was made.
    """
    record = artefacts.manifest(folder)
    facts = {row["key"]: row["value"] for _, row in read_csv(folder / setup, ("key", "value"))}
    hashes = {f"{Path(name).stem}_sha256": record["outputs"][name] for name in names}
    facts = {**record["versions"], **facts, **(now or {}), **hashes, "git_commit": record["git_commit"]}
    put(results, {name: (folder / name).read_bytes() for name in names} | {setup: _text(facts).encode()})


def _text(facts: Mapping[str, Any]) -> str:
    return artefacts.csv_text([{"key": key, "value": value} for key, value in facts.items()])
