"""The finished steps in a folder `runs`, found by the sha256 of their files.

Nothing extra is stored: a step's inputs are the sha256 of files, which are outputs in another step's manifest.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.store import artefacts
from experiments.store.artefacts import MANIFEST
from search_spaces.errors import LutraError


@dataclass(frozen=True)
class Step:
    """A finished step, and the file that the next one was made from."""

    what: str  # the step's name, or the stage of compression
    folder: str  # below `runs`
    file: str
    sha256: str  # of the file
    manifest: str  # sha256 of the step's manifest
    inputs: dict[str, str]  # sha256 of what it read, by name
    seconds: float
    git_commit: str | None


class Index:
    """The finished steps in `folders`, by the sha256 of their manifests and of the files that they made."""

    def __init__(self, runs: Path, folders: Iterable[Path]) -> None:
        self.runs = runs
        self.folders: dict[str, Path] = {}
        self.records: dict[str, dict[str, Any]] = {}
        for folder in sorted(folders):
            with contextlib.suppress(LutraError):  # ignores damaged manifests
                record = artefacts.manifest(folder)
                self.folders[key := artefacts.sha256(folder / MANIFEST)] = folder
                self.records[key] = record
        self.makers: dict[str, list[str]] = {}  # several steps may have made equal files
        for key, record in self.records.items():
            read = self._read(record)
            for made in record["outputs"].values():
                if made not in read:  # a copy
                    self.makers.setdefault(made, []).append(key)

    def _read(self, record: Mapping[str, Any]) -> set[str]:
        steps = [self.records[key] for key in record["inputs"].values() if key in self.records]
        return {*record["inputs"].values()}.union(*(step["outputs"].values() for step in steps))

    def origin(self, sha256: str, preferred: Collection[str] = ()) -> str | None:
        """The hash of the manifest of the step that made a file, or `sha256` itself if it is that of a manifest.

        If several made it, the first of the `preferred` ones, or else the first.
        """
        if sha256 in self.records:
            return sha256
        makers = self.makers.get(sha256, [])
        return next((key for key in makers if key in preferred), makers[0] if makers else None)

    def ancestors(self, inputs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """All steps that inputs come from, nearest first: the manifest, and the file that was read.

        If several steps made equal files, it is the one that is an ancestor anyway.
        """
        todo, seen = [*inputs.values()], set[str]()
        for sha256 in todo:
            key = self.origin(sha256, seen)
            if key is not None and key not in seen:
                seen.add(key)
                todo += self.records[key]["inputs"].values()
                yield key, sha256

    def step(self, key: str, passed: str) -> Step:
        record = self.records[key]
        file = next((name for name, sha256 in record["outputs"].items() if sha256 == passed), MANIFEST)
        return Step(
            record["config"].get("stage", record["step"]),
            self.folders[key].relative_to(self.runs).as_posix(),
            file,
            passed,
            key,
            record["inputs"],
            record["seconds"],
            record["git_commit"],
        )


def index(runs: Path) -> Index:
    """The index of all finished steps."""
    return Index(runs, [path.parent for path in runs.glob(f"*/*/{MANIFEST}")])
