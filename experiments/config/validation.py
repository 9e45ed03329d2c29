"""Checks before any work begins: unknown names, numbers out of range, contradictory settings."""

from __future__ import annotations

import os
import tempfile
from operator import attrgetter
from pathlib import Path

from experiments.compute.gpu import computes_on
from experiments.config import OFFLINE, Config, compression
from experiments.config.reference import Reference
from experiments.config.registry import LATENCY
from experiments.config.schema import settings
from experiments.config.values import check_value, options
from search_spaces.errors import LutraError

DESTINATIONS = Reference("experiments.setup.devices:destinations")
PATTERN = Reference("experiments.data.groups:compiled")
COSTS = Reference("experiments.compute.requirements:check")
THREADS = 2  # the default, which is accepted even on one core


def check(config: Config) -> None:
    """Raises LutraError for a configuration that cannot work."""
    for key, one in settings().items():
        check_value(one, attrgetter(key)(config))
    options(config.strategy)
    computes_on(config.accelerator)
    check_runtime(config)
    compression.check(config.compress, config.model)
    config.measure.check()
    _check_threads(config)
    if config.data.path and config.data.name == "digits":
        raise LutraError("data=digits does not use data.path: add data=image_folder for your own images")
    if config.data.group:
        if config.data.name != "image_folder":
            raise LutraError(f"data={config.data.name} has no groups: add data=image_folder, or leave data.group out")
        PATTERN(config.data.group)
    if config.device.name == "ssh":
        DESTINATIONS(config.device)
    if not config.fidelity.train:
        raise LutraError("fidelity.train=[] is empty: give numbers of networks, fidelity.train=[50,100]")
    if LATENCY not in config.objective.costs:
        raise LutraError("objective.costs lacks latency, which every result needs: add objective.costs=[latency,...]")
    if config.publish:
        check_writable("results", Path(config.results))
    if config.demo.bundle:
        check_writable("demo.bundle", Path(config.demo.bundle))
    if config.demo.record:
        check_writable("demo.record", Path(config.demo.record).parent)
    COSTS(config)


def check_runtime(config: Config) -> None:
    """Raises LutraError for a setting that the runtime does not support."""
    runtime = config.device.library
    for key, refused in compression.NOT_FOR.get(runtime, {}).items():
        if (value := attrgetter(key)(config)) in refused:
            raise LutraError(
                f"runtime={runtime} does not support {key}={value}: leave it out, or add runtime=onnxruntime"
            )


def check_timed(config: Config) -> None:
    """Raises LutraError if a search is to time its candidates and cannot, or if no bound decides about them."""
    if not config.search.timed:
        return
    if config.device.name in OFFLINE:
        raise LutraError(f"device={config.device.name} cannot time candidates during a search: leave search.timed out")
    if config.ignore:
        raise LutraError(
            "search.timed=true needs a table of the device that times: leave ignore= out, or leave search.timed out"
        )
    if config.objective.name != "bounded":
        raise LutraError(
            f"search.timed=true times candidates near a bound, and objective={config.objective.name} has none: "
            "add objective=bounded, or leave search.timed out"
        )


def _check_threads(config: Config) -> None:
    cores = os.cpu_count() or 1
    requested = {"threads": (config.threads, max(cores, THREADS))}
    if config.device.name == "local":
        requested["device.threads"] = (config.device.threads, cores)
    for key, (threads, most) in requested.items():
        if threads > most:
            raise LutraError(f"{key}={threads} is more than this machine's {cores} cores: give at most {most}")


def check_writable(key: str, folder: Path) -> None:
    """Raises LutraError if the folder is not writable, so that this is known before the work."""
    whole = Path(os.path.abspath(folder))
    place = next(one for one in (whole, *whole.parents) if os.path.lexists(one))
    if not place.is_dir():
        raise LutraError(
            f"{key}: nothing can be written to {folder}, because {place} is not a folder; give another {key}"
        )
    try:
        with tempfile.TemporaryFile(dir=place):
            return
    except OSError as error:
        reason = f"{place}: {error.strerror}"
    raise LutraError(f"{key}: nothing can be written to {folder} ({reason}); give another {key}")
