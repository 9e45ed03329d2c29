"""A step: a piece of work, with all that its result depends on.

The work is given the settings that are hashed, the files of earlier steps, which are hashed too, and `Means`. It is not
given the configuration: a setting that it uses is in its key, or in `Means` with the reason why it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Protocol

from experiments.config import Config
from experiments.config.reference import Reference
from experiments.store import artefacts
from experiments.store.key_fields import IMPLIED, UNLESS
from search_spaces.space import SearchSpace


class Settings(Protocol):
    """A frozen dataclass whose fields are the settings that a step depends on."""

    @property
    def label(self) -> str:
        """What the name of the step's folder begins with."""


@dataclass(frozen=True)
class Address:
    """How a device is reached. Which one it is, its passport says, and that is in the keys."""

    host: str
    hosts: list[str]
    user: str
    port: int
    python: str
    folder: str
    ssh_config: str
    patience: float
    results: str  # the file's content is in the keys, as are the table's
    table: str


@dataclass(frozen=True)
class Means:
    """How work is done. Nothing here changes a result, so nothing here is in a key."""

    runs: Path  # where results are kept
    images: str  # where the images are: their content is in the keys
    cache: str  # where decoded images are kept for the next command
    checkpoint_seconds: float  # a training that is resumed ends in the same weights
    jobs: int  # that share the evaluation of a population
    backend: str  # of these jobs
    max_rounds: int  # a table of fewer rounds is measured on, in the same folder
    address: Address

    @staticmethod
    def of(config: Config) -> Means:
        address = Address(**{one.name: getattr(config.device, one.name) for one in fields(Address)})
        data, search = config.data, config.search
        return Means(
            Path(config.runs),
            data.path,
            data.cache,
            config.checkpoint_seconds,
            search.jobs,
            search.backend,
            config.measure.max_rounds,
            address,
        )


@dataclass(frozen=True)
class Step:
    """`work` is called with the settings, the inputs that are files, the means, and the folder that it fills."""

    name: str
    settings: Settings
    inputs: Mapping[str, Path | str]  # by name: a file, or what stands for one in the key, such as a passport's hash
    work: Reference
    unfinished: Reference | None = None  # (settings, means, folder): whether a finished step is to be gone on with
    label: str = ""  # what the folder's name begins with, where it is not the settings' own

    @property
    def key(self) -> dict[str, Any]:
        """The settings as JSON."""
        key = as_json(self.settings)
        assert isinstance(key, dict)
        return key

    def do(self, means: Means, folder: Path) -> None:
        files = {name: path for name, path in self.inputs.items() if isinstance(path, Path)}
        self.work(self.settings, files, means, folder)

    def made(self, means: Means, work: Callable[[Path], None] | None = None) -> Path:
        """The folder of the finished step; where it is not finished, after `work`, which is the step's unless given."""
        hashes = {name: one if isinstance(one, str) else artefacts.sha256(one) for name, one in self.inputs.items()}
        unfinished = self.unfinished
        return artefacts.step(
            means.runs,
            self.name,
            self.label or self.settings.label,
            self.key,
            hashes,
            work or (lambda folder: self.do(means, folder)),
            again=lambda folder: unfinished is not None and bool(unfinished(self.settings, means, folder)),
        )


def as_json(value: Any) -> Any:
    """Settings as JSON. A space is its layers, not its name alone: one that is edited is another one."""
    if isinstance(value, SearchSpace):
        layers = [[str(spec) for spec in options] for options in value.layers]
        return {"name": value.name, "layers": artefacts.digest([layers, value.reference])}
    if not is_dataclass(value):
        return value
    found: dict[str, Any] = {}
    for one in fields(value):
        own = getattr(value, one.name)
        if IMPLIED not in one.metadata and not (UNLESS in one.metadata and own == one.metadata[UNLESS]):
            found[one.name] = as_json(own)
    return found
