"""From a function of `Config` to a command: Hydra composes, mistakes become one line and exit code 2."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

import hydra_conf
from experiments import sweeps
from experiments.checks import check
from experiments.config import Config
from experiments.progress import console
from search_spaces.errors import LutraError, unknown

CONFIGS = str(Path(hydra_conf.__file__).parent)
ALLOCATION = re.compile(r"(can't|could not|unable to|failed to|cannot) allocate|out of memory|bad_alloc", re.IGNORECASE)
GROUPS = ("data", "space", "device", "strategy", "objective", "compress", "experiment")


def run(function: Callable[[Config], object]) -> None:
    """Runs `function` as a Hydra command, once or for each job of a --multirun."""
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # errors reach us instead of being printed by Hydra
    if sys.version_info >= (3, 14):  # hydra 1.3's help strings; mended in 1.4
        argparse.ArgumentParser._check_help = lambda self, action: None  # type: ignore[attr-defined]
    function = _importable(function)
    schema = _writable(OmegaConf.structured(Config))
    OmegaConf.set_struct(schema.strategy.options, False)  # the strategy knows its options, and `check` asks it
    schema.sweep = (function.__module__ or "").rpartition(".")[2]
    ConfigStore.instance().store(name="schema", node=schema)
    begun: list[DictConfig] = []
    told: list[Exception] = []
    sweeps.announced.clear()

    def job(settings: DictConfig) -> None:
        begun.append(settings)
        if sweeps.is_job():
            sweeps.attempt(settings, partial(_perform, function, settings))
            return
        try:
            _perform(function, settings)
        except sweeps.ONE_LINE as error:  # Hydra would add a line of its own
            told.append(error)

    job.__module__ = function.__module__ or __name__  # Hydra calls the job by it
    try:
        hydra.main(version_base="1.3", config_path=CONFIGS, config_name="config")(job)()
        for error in told:
            _stop(str(error))
        for sweep in sweeps.announced:
            if unfinished := sweeps.end(sweep):
                _stop(f"{len(unfinished)} of {len(sweep.asked)} jobs failed: {'; '.join(unfinished)}")
    except KeyboardInterrupt:
        _stop("interrupted; the same command goes on from the finished steps")
    except sweeps.ONE_LINE as error:
        _stop(str(error))
    except (HydraException, OmegaConfBaseException) as error:
        _stop(_explain(error))
    except OSError as error:
        if begun or error.filename is None:
            raise
        _stop(f"cannot write {error.filename}: {error.strerror}; choose another folder with runs=FOLDER")  # by Hydra
    except Exception as error:
        if not sweeps.announced:
            raise
        _stop(f"the sweep stopped, the same command goes on: {type(error).__name__}: {' '.join(str(error).split())}")


def _perform(function: Callable[[Config], object], settings: DictConfig) -> object:
    try:
        made = function(checked(settings))
    except Exception as error:  # torch and onnxruntime have types of their own
        reason = " ".join(str(error).split())
        if not (isinstance(error, MemoryError) or (ALLOCATION.search(reason) and not isinstance(error, LutraError))):
            raise
        raise LutraError(
            f"out of memory ({reason[:200] or type(error).__name__}): lower data.size, or the batch of the recipe "
            "(train.batch, retrain.batch), or free some memory; the same command goes on from the finished steps"
        ) from error
    if isinstance(made, Path):
        console.print(made, soft_wrap=True, highlight=False)
    return made


def _importable(function: Callable[[Config], object]) -> Callable[[Config], object]:
    """The same function by the name of its module, by which another process finds it too."""
    spec = sys.modules["__main__"].__spec__
    if function.__module__ != "__main__" or spec is None:
        return function
    return getattr(importlib.import_module(spec.name), function.__name__)


def checked(settings: DictConfig) -> Config:
    """The typed configuration. Raises LutraError for a key that the schema lacks, or that has no value yet."""
    plain = OmegaConf.to_container(settings)
    assert isinstance(plain, dict)
    for key in _keys(plain):
        if key not in _known() and not key.startswith("strategy.options."):
            raise unknown("key", key, _known())
    missing = sorted(OmegaConf.missing_keys(settings))
    if missing:
        raise LutraError(f"{missing[0]} needs a value: add {missing[0]}=... to the command")
    config = OmegaConf.to_object(settings)
    assert isinstance(config, Config)
    check(config)
    return config


def _writable(schema: DictConfig) -> DictConfig:
    """The schema without the lock that OmegaConf takes from frozen dataclasses: composing writes into it."""
    OmegaConf.set_readonly(schema, False)
    for key in schema:
        if isinstance(schema._get_node(key), DictConfig):
            _writable(schema._get_node(key))  # type: ignore[arg-type]
    return schema


@cache
def _known() -> tuple[str, ...]:
    return tuple(_keys(dataclasses.asdict(Config())))


def _keys(tree: Mapping[Any, Any], prefix: str = "") -> Iterator[str]:
    for key, value in tree.items():
        yield f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _keys(value, f"{prefix}{key}.")


def _explain(error: Exception) -> str:
    """One line for what Hydra and OmegaConf say in many."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options is not None:
        group, name = error.missing_cfg_file.rsplit("/", 1)
        return str(unknown(group, name, error.options))
    text = str(error)
    key = re.search(r"Could not override '([^']+)'|Key '([^']+)' (?:is )?not in", text)
    if key and "type" not in text.lower().split("key")[0]:
        name = key[1] or key[2]
        return str(unknown("key", name, [*GROUPS, *_known()]))
    group_match = re.search(r"Could not find '?([\w/]+)'?", text)
    if group_match:
        return f"{text.splitlines()[0]} Groups: {', '.join(GROUPS)}"
    cause = f": {error.__cause__}" if error.__cause__ is not None else ""
    return " ".join(f"{text}{cause}".split())


def _stop(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)
