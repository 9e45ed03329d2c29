"""A step: work, together with everything that its result depends on.

The work receives the hashed settings, the files of earlier steps (hashed too), and `Means`. It does not receive the
configuration, so every setting that it uses is in its key, or in `Means`, with the reason why it is not in the key.
`artefacts` puts the key together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Protocol

from experiments.config import Config
from experiments.config.reference import Reference
from experiments.store import artefacts, versions
from experiments.store.key_fields import IMPLIED, UNLESS
from search_spaces.space import SearchSpace


class Settings(Protocol):
    """A frozen dataclass of the settings that a step depends on."""

    @property
    def label(self) -> str:
        """The beginning of the step's folder name."""


@dataclass(frozen=True)
class Address:
    """How a device is reached. Its identity is in its fingerprint, which is in the keys."""

    host: str
    hosts: list[str]
    user: str
    port: int
    python: str
    folder: str
    ssh_config: str
    patience: float
    results: str  # the contents of this file and of the table are in the keys
    table: str


@dataclass(frozen=True)
class Means:
    """How the work is done. Nothing here affects a result, so nothing here is in a key.

    In a comparison of strategies, seconds are a result: its settings have `jobs` and `backend` too.
    """

    runs: Path  # the folder of results
    images: str  # the folder of images, whose content is in the keys
    cache: str  # the folder of decoded images
    checkpoint_seconds: float  # a resumed training ends with the same weights
    jobs: int  # processes that share the evaluation of a population
    backend: str  # of these processes
    max_rounds: int  # with a higher limit, rounds are added to a table in the same folder
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
    """`work` is called with the settings, the input files, the means, and the folder to fill."""

    name: str
    settings: Settings
    inputs: Mapping[str, Path | str]  # by name: a file, or a hash that stands for it, such as the device fingerprint's
    work: Reference
    unfinished: Reference | None = None  # (settings, means, folder): whether to continue a finished step
    label: str = ""  # the beginning of the folder's name; empty: that of the settings

    @property
    def settings_key(self) -> dict[str, Any]:
        """The settings as JSON, and the versions of the choices among them, as they are part of the step's key."""
        key = as_json(self.settings)
        assert isinstance(key, dict)
        found = {one: versions.CHOICES[one] for one in choices(self.settings) if one in versions.CHOICES}
        return {**key, "choice_versions": found} if found else key

    def do(self, means: Means, folder: Path) -> None:
        files = {name: path for name, path in self.inputs.items() if isinstance(path, Path)}
        self.work(self.settings, files, means, folder)

    def made(self, means: Means, work: Callable[[Path], None] | None = None) -> Path:
        """The folder of the finished step; runs `work`, or else the step's own work, if it is not finished."""
        hashes = {name: one if isinstance(one, str) else artefacts.sha256(one) for name, one in self.inputs.items()}
        unfinished = self.unfinished
        return artefacts.step(
            means.runs,
            self.name,
            self.label or self.settings.label,
            self.settings_key,
            hashes,
            work or (lambda folder: self.do(means, folder)),
            again=lambda folder: unfinished is not None and bool(unfinished(self.settings, means, folder)),
        )


def as_json(value: Any) -> Any:
    """Settings as JSON. A space is represented by its layers as well as its name, so an edited space differs."""
    if isinstance(value, SearchSpace):
        layers = [[str(spec) for spec in options] for options in value.layers]
        return {"name": value.name, "layers": artefacts.digest([layers, value.reference])}
    if isinstance(value, list):
        return [as_json(one) for one in value]
    if not is_dataclass(value):
        return value
    found: dict[str, Any] = {}
    for one in fields(value):
        own = getattr(value, one.name)
        if IMPLIED not in one.metadata and not (UNLESS in one.metadata and own == one.metadata[UNLESS]):
            found[one.name] = as_json(own)
    return found


def choices(settings: Any) -> Iterator[str]:
    """The names that `versions.CHOICES` may have for the choices in settings."""
    for one in fields(settings):
        own = getattr(settings, one.name)
        if IMPLIED in one.metadata:
            continue
        for kind in type(settings).__mro__:
            if not is_dataclass(own):
                yield f"{kind.__name__}.{one.name}={own}"
            if own != one.metadata.get(UNLESS, own):
                yield f"{kind.__name__}.{one.name}"
        for inner in own if isinstance(own, list) else [own]:
            if is_dataclass(inner) and not isinstance(inner, SearchSpace):
                yield from choices(inner)
