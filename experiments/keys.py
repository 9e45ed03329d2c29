"""What a step's result depends on, as JSON: parts of the key that its folder is named by."""

from __future__ import annotations

import os
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from experiments import artefacts
from experiments.choices import space_of
from experiments.config import Config, DataConfig, DeviceConfig, SearchConfig
from experiments.devices import passport_of
from predictors.table import DECIDING


def space_key(config: Config) -> dict[str, Any]:
    """The space by its layers, not by its name alone: a space that is edited is another one."""
    space = space_of(config)
    layers = [[str(spec) for spec in options] for options in space.layers]
    return {**asdict(config.space), "layers": artefacts.digest([layers, space.reference])}


def search_key(search: SearchConfig) -> dict[str, Any]:
    """How long and by which images, not how the work is spread: that changes no result."""
    return {key: value for key, value in asdict(search).items() if key not in ("jobs", "backend")}


@cache
def data_key(data: DataConfig) -> dict[str, Any]:
    """The images by the names, sizes and times of their files, where they are the user's own."""
    if data.name != "image_folder":
        return asdict(data)
    files = [data.path] if Path(data.path).is_file() else [str(p) for p in sorted(Path(data.path).rglob("*"))]
    stats = [(file, os.stat(file)) for file in files if os.path.isfile(file)]
    return {**asdict(data), "files": artefacts.digest([(file, s.st_size, s.st_mtime_ns) for file, s in stats])}


def passport_key(device: DeviceConfig) -> str:
    """The device by what decides its latencies."""
    passport = passport_of(device)
    return artefacts.digest({key: passport.get(key) for key in DECIDING})
