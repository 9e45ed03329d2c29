"""The configuration groups: their choices, and the check that a name is one of them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import hydra_conf
from experiments.config.registry import RUNTIMES, SPACES, STRATEGIES
from experiments.config.schema import formatted
from search_spaces.errors import LutraError, unknown

CONFIGS = Path(hydra_conf.__file__).parent
GROUPS = ("data", "space", "device", "runtime", "strategy", "objective", "compress", "experiment")
FOUND = {"space": SPACES, "strategy": STRATEGIES, "runtime": RUNTIMES}  # groups whose choices need no YAML file
SEARCH_PATH = "hydra.searchpath="


def own_folders(parsed: argparse.Namespace) -> list[Path]:
    """The user's folders of configurations, which a parsed command line gives."""
    given = [one for one in (parsed.config_path, parsed.config_dir) if one]
    for word in parsed.overrides:
        if word.startswith(SEARCH_PATH):
            given += [one.strip(" '\"") for one in word.removeprefix(SEARCH_PATH).strip("[]").split(",")]
    return [Path(one.removeprefix("file://")) for one in given]


def is_group(key: str, folders: Sequence[Path]) -> bool:
    """Whether an override's key names a group: one of ours, or a subfolder of the user's folders."""
    group = key.partition("@")[0]
    return key in GROUPS or any((folder / group).is_dir() for folder in folders)


def choices(group: str, folders: Sequence[Path] = ()) -> list[str]:
    """The names that a group can take."""
    return sorted({*_files(group, folders), *FOUND.get(group, ())})


def check_choice(group: str, value: object, folders: Sequence[Path]) -> None:
    """Raises LutraError if the value is not the name of a configuration in the group."""
    known = choices(group, folders)
    if not isinstance(value, str):
        raise LutraError(
            f"{group}={formatted(value)} is not the name of a configuration: give one name, {', '.join(known)}"
        )
    name = value.removesuffix(".yaml")
    if name not in known and not any((folder / group / f"{name}.yaml").is_file() for folder in folders):
        raise unknown(group, formatted(value), known)


def _files(group: str, folders: Sequence[Path]) -> Iterator[str]:
    for folder in (CONFIGS, *folders):
        yield from (path.stem for path in (folder / group).glob("*.yaml"))
