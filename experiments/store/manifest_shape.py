"""The keys of a manifest, and a check for each value."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any


def _texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def _below(value: Any) -> bool:
    """Whether these are hashes of files below the folder."""
    paths = [PurePosixPath(name) for name in value] if _texts(value) else [PurePosixPath("..")]
    return not any(path.is_absolute() or ".." in path.parts for path in paths)


SHAPE: dict[str, Callable[[Any], bool]] = {  # the manifest's keys, and a check for each value
    "step": lambda value: isinstance(value, str),
    "config": lambda value: isinstance(value, dict),
    "inputs": _texts,
    "outputs": _below,
    "seconds": lambda value: type(value) is float and 0 <= value < math.inf,
    "versions": _texts,
    "code": _texts,
    "git_commit": lambda value: value is None or isinstance(value, str),
}
