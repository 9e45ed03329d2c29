"""What a comparison of strategies was made of: compare_setup.csv, by which the paper's build checks its other files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.comparison.compared_problem import ProblemSource
from experiments.config import Config
from experiments.display.publish import put
from experiments.store import artefacts
from paper.comparison import SETUP
from predictors.agent import passport
from search_spaces.documents import read_csv


def write(folder: Path, config: Config, strategies: Sequence[str], source: ProblemSource) -> None:
    """What is known when the searches begin: the problem, how it is searched, and on what machine."""
    host = passport()
    facts = {
        "problem": source.title,
        **source.facts,
        **{f"{name}_sha256": sha256 for name, sha256 in source.inputs.items()},
        "objective": config.objective.name,
        "strategies": " ".join(strategies),
        "first_seed": config.seed,
        "seeds": config.compare.seeds,
        "evaluations": config.search.budget,
        "seconds_limit": config.compare.seconds or "",
        "host_cpu": host["cpu"],
        "host_machine": host["machine"],
        "host_threads": config.threads,
        "accelerator": config.accelerator,
    }
    artefacts.write(folder / SETUP, _text(facts))


def publish(folder: Path, results: Path, names: Sequence[str]) -> None:
    """Puts files of a finished comparison among the paper's results: with their hashes, the versions and the commit."""
    record = artefacts.manifest(folder)
    facts = {row["key"]: row["value"] for _, row in read_csv(folder / SETUP, ("key", "value"))}
    hashes = {f"{Path(name).stem}_sha256": record["outputs"][name] for name in names}
    facts = {**record["versions"], **facts, **hashes, "git_commit": record["git_commit"]}
    put(results, {name: (folder / name).read_bytes() for name in names} | {SETUP: _text(facts).encode()})


def _text(facts: Mapping[str, Any]) -> str:
    return artefacts.csv_text([{"key": key, "value": value} for key, value in facts.items()])
