"""Deployment targets: devices, runtimes, precisions and numbers of threads, each as a configuration of its own."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from typing import Any

from experiments.config import Config, DeviceConfig
from experiments.config.registry import RUNTIMES
from experiments.config.schema import settings
from experiments.config.validation import check
from experiments.config.values import check_value
from experiments.setup.devices import live
from predictors.board.fingerprint import PRECISIONS
from search_spaces.errors import LutraError, unknown

OF_TARGETS = ("precision", *(f"device.{one.name}" for one in fields(DeviceConfig) if one.name != "hosts"))


def targets_of(config: Config) -> dict[str, Config]:
    """The configuration of each target, by the target's name. Raises LutraError unless there are two or more."""
    if config.table or config.run:
        raise LutraError("every target has a table and a search of its own: leave table= and run= out")
    asked = config.transfer.targets or [
        f"device.library={runtime} precision={precision} device.threads={threads}"
        for runtime in RUNTIMES
        for precision in PRECISIONS
        for threads in range(1, min(2, os.cpu_count() or 1) + 1)
    ]
    config = replace(config, search=replace(config.search, finalists=0, timed=False))  # all by supernet and table
    found: dict[str, Config] = {}
    for text in asked:
        one = target(config, text)
        device, several = one.device, "s" if one.device.threads > 1 else ""
        where = "" if device.name == "local" else f"{device.host or device.name} "
        name = f"{where}{device.library} {one.precision} {device.threads} thread{several}"
        if name in found:
            raise LutraError(f"transfer.targets has two targets called {name}: give each target once")
        found[name] = one
    if len(found) < 2:
        raise LutraError("transfer.targets needs two targets or more, each a text such as 'precision=fp32'")
    return found


def target(config: Config, text: str) -> Config:
    """The configuration with a target's settings. Raises LutraError for other settings, or a device of no session."""
    for word in text.split():
        key, _, given = word.partition("=")
        if key not in OF_TARGETS:
            raise unknown("setting of a target", key, OF_TARGETS)
        setting = settings()[key]
        check_value(setting, given)
        own: dict[str, Any] = {key.removeprefix("device."): setting.value(given)}
        config = replace(config, **own) if key == "precision" else replace(config, device=replace(config.device, **own))
    check(config)
    live(config.device)
    return config
