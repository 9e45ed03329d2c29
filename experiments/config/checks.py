"""What is refused before any work begins: names that are no choices, numbers out of range, settings that contradict."""

from __future__ import annotations

import os
import tempfile
from operator import attrgetter
from pathlib import Path

from experiments.compute.gpu import computes_on
from experiments.config import Config, compression
from experiments.config.reference import Reference
from experiments.config.registry import LATENCY
from experiments.config.schema import settings
from experiments.config.values import check_value, options
from search_spaces.errors import LutraError

DESTINATIONS = Reference("experiments.setup.devices:destinations")
COSTS = Reference("experiments.compute.requirements:check")
THREADS = 2  # the default, which is accepted on one core too


def check(config: Config) -> None:
    """Raises LutraError for what cannot be done as it is asked."""
    for key, one in settings().items():
        check_value(one, attrgetter(key)(config))
    options(config.strategy)
    computes_on(config.accelerator)
    compression.check(config.compress, config.model)
    config.measure.check()
    _check_threads(config)
    if config.data.path and config.data.name == "digits":
        raise LutraError("data=digits reads no data.path: add data=image_folder for images of your own")
    if config.device.name == "ssh":
        DESTINATIONS(config.device)
    if not config.fidelity.train:
        raise LutraError("fidelity.train=[] learns from no networks: give numbers of them, fidelity.train=[50,100]")
    if LATENCY not in config.objective.costs:
        raise LutraError("objective.costs has no latency, which every result tells: add objective.costs=[latency,...]")
    if config.publish:
        check_writable("results", Path(config.results))
    if config.demo.bundle:
        check_writable("demo.bundle", Path(config.demo.bundle))
    if config.demo.record:
        check_writable("demo.record", Path(config.demo.record).parent)
    COSTS(config)


def _check_threads(config: Config) -> None:
    cores = os.cpu_count() or 1
    asked = {"threads": (config.threads, max(cores, THREADS))}
    if config.device.name == "local":
        asked["device.threads"] = (config.device.threads, cores)
    for key, (threads, most) in asked.items():
        if threads > most:
            raise LutraError(f"{key}={threads} is more than this machine's {cores} cores: give at most {most}")


def check_writable(key: str, folder: Path) -> None:
    """Raises LutraError where nothing can be written into the folder: said before the work, not after it."""
    whole = Path(os.path.abspath(folder))
    place = next(one for one in (whole, *whole.parents) if os.path.lexists(one))
    if not place.is_dir():
        raise LutraError(f"{key}: nothing can be written to {folder}, as {place} is no folder; give another {key}")
    try:
        with tempfile.TemporaryFile(dir=place):
            return
    except OSError as error:
        reason = f"{place}: {error.strerror}"
    raise LutraError(f"{key}: nothing can be written to {folder} ({reason}); give another {key}")
