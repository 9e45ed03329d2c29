"""The lineage of a report: follows hashes in manifests from the deployed file back to the supernet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from experiments.store import artefacts
from experiments.store.artefacts import MANIFEST
from experiments.store.step_index import Index, Step
from experiments.store.winner import CANDIDATES, SEARCH, WINNER
from search_spaces.documents import read_json
from search_spaces.errors import LutraError

LINEAGE = "lineage.json"
FASTER_IN_FLOAT = "faster_in_float"  # the input with the layers that the device computes faster in float
NO_FILE = "passport"  # the only input that is not a file: the device fingerprint


@dataclass(frozen=True)
class Lineage:
    """The steps that lead to a winner, the steps that they used, and files from outside `runs`."""

    arch: tuple[int, ...]
    line: tuple[Step, ...]  # supernet, search, finalists, weights, each stage of compression, the timing on the device
    others: tuple[Step, ...]  # latency tables, networks to compare with
    given: dict[str, str]  # sha256 of a file from outside, by its path
    row: dict[str, Any]  # the deployed file's row in the report


def trace(index: Index, inputs: Mapping[str, str], given: Iterable[Path], row: Mapping[str, Any]) -> Lineage:
    """The lineage of a report, from the hashes that it read. Raises LutraError if a parent is missing."""
    if missing := [name for name in ("search", "compress", "benchmark") if name not in inputs]:
        raise LutraError(f"this report does not come from a {missing[0]} step; run it again")
    search, compressed, benchmark = (inputs[name] for name in ("search", "compress", "benchmark"))
    stages = [index.step(compressed, row["sha256"])]  # the last may have made a file that is not deployed
    while "parent" in stages[0].inputs:
        parent = stages[0].inputs["parent"]
        key = index.origin(parent)
        if key is None:
            raise LutraError(f"no step in {index.runs} made the parent {parent[:12]} of {stages[0].folder}")
        stages.insert(0, index.step(key, parent))
    if row["sha256"] not in index.records[compressed]["outputs"].values():
        stages.pop()
    found = index.records.get(search)
    supernet = None if found is None else index.origin(found["inputs"]["supernet"])
    if found is None or supernet is None:
        raise LutraError(f"the report's search, or its supernet, is not in {index.runs}; add runs=FOLDER")
    searches = [index.step(search, found["outputs"][WINNER])]
    if (before := found["inputs"].get(SEARCH)) is not None:
        if before not in index.records:
            raise LutraError(f"the search before {searches[0].folder} is not in {index.runs}; add runs=FOLDER")
        searches.insert(0, index.step(before, index.records[before]["outputs"][CANDIDATES]))
    line = (
        index.step(supernet, found["inputs"]["supernet"]),
        *searches,
        *stages,
        index.step(benchmark, row["sha256"]),
    )
    others = [index.step(key, read) for key, read in index.ancestors(inputs) if key not in {s.manifest for s in line}]
    outside = {sha256 for step in (*line, *others) for sha256 in step.inputs.values() if index.origin(sha256) is None}
    files = {str(path.resolve()): artefacts.sha256(path) for path in given if path.is_file()}
    files = {path: sha256 for path, sha256 in files.items() if sha256 in outside}
    arch = tuple(index.records[stages[0].manifest]["config"]["arch"])
    return Lineage(arch, line, tuple(others), files, dict(row))


def dump(lineage: Lineage) -> str:
    return json.dumps(asdict(lineage), indent=1) + "\n"


def load(path: Path) -> Lineage:
    """Reads a lineage. Raises LutraError if `dump` did not write the file."""
    record = read_json(path, "lineage")
    try:
        line, others = (tuple(Step(**step) for step in record[key]) for key in ("line", "others"))
        return Lineage(tuple(record["arch"]), line, others, record["given"], record["row"])
    except (KeyError, TypeError) as error:
        raise LutraError(f"{path} is not a valid lineage ({type(error).__name__}: {error})") from None


def verify(folder: Path) -> Lineage:
    """The lineage of a finished report, after hashing all of its files again.

    Raises LutraError with the first file that is missing, damaged or changed.
    """
    takes = "run= takes the folder that python -m experiments.report prints"
    if not (folder / MANIFEST).exists():
        raise LutraError(f"{folder / MANIFEST} is missing: {takes}; if it was one, make it again")
    whole(folder)
    if not (folder / LINEAGE).exists():
        raise LutraError(f"{folder} has no {LINEAGE}: {takes}")
    lineage, runs = load(folder / LINEAGE), folder.parents[1]
    steps = (*lineage.line, *lineage.others)
    for step in steps:
        whole(runs / step.folder, step.manifest)
    for path, sha256 in lineage.given.items():
        if not Path(path).is_file() or artefacts.sha256(Path(path)) != sha256:
            raise LutraError(f"the given file {path} is missing, or was changed after {folder.name} was made from it")
    known = Index(runs, [runs / step.folder for step in steps])
    for step in steps:
        for name, sha256 in step.inputs.items():
            if name != NO_FILE and known.origin(sha256) is None and sha256 not in lineage.given.values():
                raise LutraError(f"no step in {runs} made the {name} {sha256[:12]} that {runs / step.folder} read")
    inputs, given = artefacts.manifest(folder)["inputs"], map(Path, lineage.given)
    search = next(step for step in lineage.line if step.file == WINNER)
    winner = read_json(runs / search.folder / WINNER, "winner")
    if trace(known, inputs, given, lineage.row) != lineage or tuple(winner.get("arch", ())) != lineage.arch:
        raise LutraError(f"{folder / LINEAGE} does not follow from the manifests; delete {folder} and report again")
    return lineage


def whole(folder: Path, manifest: str | None = None) -> dict[str, Any]:
    """The manifest of a finished step. Raises LutraError unless folder, manifest and files are unchanged."""
    path = folder / MANIFEST
    if not path.exists():
        raise LutraError(f"{path} is missing; run the command that made it again")
    record = artefacts.manifest(folder)
    if manifest is not None and artefacts.sha256(path) != manifest:
        raise LutraError(f"{path} was changed since it was made; delete {folder} and run the same command again")
    if not artefacts.is_named(folder, record):
        raise LutraError(f"{path} belongs to another step than {folder}; move the folder back, or delete it")
    artefacts.finished(folder)
    return record
