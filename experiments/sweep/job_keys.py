"""The key of a sweep's job: everything that its result depends on. Its hash is part of the name of the job's folder."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from experiments.comparison.published_problem import TABLE
from experiments.config import Config
from experiments.config.schema import configured
from experiments.setup.deployment_targets import targets_of
from experiments.store import artefacts, versions
from experiments.store.keys import data_key, device_key, passport_key
from predictors.agent.machine import processor
from search_spaces.errors import LutraError

SILENT = ("runs", "results", "sweep", "status", "jobs")  # keys that do not affect results
NAME = 150  # the largest number of characters in a folder's name before its hash


def job_name(settings: DictConfig) -> str:
    """The job's overrides, and a hash of everything that its results depend on."""
    job = HydraConfig.get().job
    name = re.sub(r"[^\w.,=+-]+", "_", job.override_dirname)[:NAME]
    try:
        key = job_key(job.name, configured(_plain(settings)))
    except (LutraError, OmegaConfBaseException):  # the job itself will report it
        key = {"command": job.name, "overrides": job.override_dirname}
    return f"{name}-{artefacts.digest(key)[:8]}"


def job_key(command: str, config: Config) -> dict[str, Any]:
    """A job's command, configuration and the files named in it; its device, this machine, and their versions.

    A part that cannot be read or reached is None: the job itself will report it.
    """
    settings = {key: value for key, value in asdict(config).items() if key not in SILENT}
    if settings["accelerator"] == "cpu":  # the default, which is not part of steps' keys either
        del settings["accelerator"]
    settings["data"] = _known(lambda: data_key(config.data)) or settings["data"]
    settings["device"] = _known(lambda: device_key(config.device)) or settings["device"]
    carried = [config.device.results, config.device.table]  # the rest of the device says how it is reached
    named = {text: _content(text) for text in _texts({**settings, "device": carried, "data": None})}
    return {
        "command": command,
        "settings": settings,
        "files": {text: content for text, content in named.items() if content},
        "passport": _known(lambda: passport_key(config.device)) if _asks_the_device(command, config) else None,
        **({"passports": _known(lambda: _passports(config))} if command == "transfer" else {}),
        "machine": [platform.machine(), processor()],  # not its name: nodes of one kind give the same results
        "versions": [
            versions.libraries(),
            {step: number for step, (number, _) in versions.STEPS.items()} | versions.CHOICES,
        ],
    }


def _passports(config: Config) -> dict[str, str]:
    """The passport of each target's device."""
    return {name: passport_key(one.device) for name, one in targets_of(config).items()}


def _plain(settings: DictConfig) -> dict[Any, Any]:
    plain = OmegaConf.to_container(settings, resolve=True)
    assert isinstance(plain, dict)
    return plain


def _known(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except LutraError:
        return None


def _content(text: str) -> str | None:
    """The hash of the file or finished step whose path a text is."""
    path = Path(text).expanduser()
    if os.path.isfile(path / artefacts.MANIFEST):
        path = path / artefacts.MANIFEST
    return _known(lambda: artefacts.sha256(path)) if os.path.isfile(path) else None


def _asks_the_device(command: str, config: Config) -> bool:
    """Whether the command's results depend on the device, unlike those of training, or of published networks."""
    published = {"exact": config.exact.csv, "compare": config.compare.csv, "fidelity": config.csv}
    if config.compare.latency == TABLE:  # which is measured there
        del published["compare"]
    trains = command == "train" or (command == "ranking" and config.ranking.band is None)
    return not trains and not published.get(command)


def _texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict | list):
        for branch in tree.values() if isinstance(tree, dict) else tree:
            yield from _texts(branch)
