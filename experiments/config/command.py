"""Turns a function of `Config` into a Hydra command; errors become one line and exit code 2."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra._internal.hydra import Hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from experiments.config import Config
from experiments.config.arguments import asks_for_sweep, checked_words
from experiments.config.groups import CONFIGS
from experiments.config.interpolations import check_references
from experiments.config.reference import Reference
from experiments.config.schema import configured, settings
from experiments.config.stored_schema import REGISTER, VERSION_BASE, store
from experiments.config.system_errors import explained
from experiments.config.validation import check
from experiments.config.values import options
from experiments.setup.cache import remembering
from experiments.setup.handover import HandedOver
from search_spaces.errors import LutraError, unknown

ANNOUNCE = Reference("experiments.sweep.sweeper:announce")
COUNTED = Reference("experiments.setup.recipes:counted")
ATTEMPT = Reference("experiments.sweep.sweeper:attempt")
END = Reference("experiments.sweep.sweeper:end")
SHOW = Reference("experiments.display.progress:show_path")
_composed_mode = Hydra.get_mode


def _folder(runs: str, sweep: str | None = None) -> str:
    """The folder that Hydra creates before it calls us."""
    runs = settings()["runs"].value(runs)
    return runs if sweep is None else f"{runs}/sweeps/{settings()['sweep'].value(sweep)}"


REGISTER("lutra_folder", _folder, replace=True)


def run(work: str | Callable[[Config], object]) -> None:
    """Runs a function of the configuration as a Hydra command, once or for each job of a --multirun.

    `work` is `module:function`; the module is imported once the command line is accepted.
    """
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.default_int_handler)  # after the imports; see experiments/__init__.py
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # errors reach us instead of being printed by Hydra
    if sys.version_info >= (3, 14):  # works around hydra 1.3's help strings; fixed in 1.4
        argparse.ArgumentParser._check_help = lambda self, action: None  # type: ignore[attr-defined]
    function = Reference(work) if isinstance(work, str) else work
    module = _command() or function.__module__ or __name__
    store(module)
    begun: list[DictConfig] = []
    refused: list[Exception] = []
    announced: list[Any] = []  # the sweep, if there is one

    def job(settings: DictConfig) -> None:
        begun.append(settings)
        if not OmegaConf.is_missing(HydraConfig.get().job, "num"):  # a job of a --multirun
            ATTEMPT(settings, partial(_perform, function, settings))
            return
        try:
            _perform(function, settings)
        except (LutraError, ModuleNotFoundError) as error:  # Hydra would print a line of its own
            refused.append(error)

    job.__module__ = module  # Hydra names the job by it
    with _one_line_errors(begun, announced):
        sys.argv[1:] = checked_words(sys.argv[1:])
        if asks_for_sweep(sys.argv[1:]):
            announced.append(ANNOUNCE(module.rpartition(".")[2], sys.argv[1:]))
        Hydra.get_mode = _mode  # type: ignore[assignment]
        hydra.main(**VERSION_BASE, config_path=str(CONFIGS), config_name="config")(job)()
        for error in refused:
            raise error
        for sweep in announced:
            if unfinished := END(sweep):
                _stop(f"{len(unfinished)} of {len(sweep.asked)} jobs failed: {'; '.join(unfinished)}")


def _mode(app: Hydra, **asked: Any) -> Any:
    """Returns hydra.mode. Hydra would compose the whole configuration a second time for it."""
    can_change = any("hydra" in word or word.startswith(("-c", "--config")) for word in sys.argv[1:])
    return _composed_mode(app, **asked) if can_change else None


@contextlib.contextmanager
def _one_line_errors(begun: Sequence[DictConfig], announced: Sequence[object]) -> Iterator[None]:
    """Ends the program with one line for errors that the user can fix; once a job has `begun`, any other is a bug."""
    try:
        yield
    except KeyboardInterrupt:
        _stop("interrupted; the same command continues from the finished steps")
    except LutraError as error:
        _stop(str(error))
    except (HydraException, OmegaConfBaseException) as error:
        _stop(_explain(error))
    except OSError as error:
        if begun or error.filename is None:
            raise
        _stop(f"cannot write {error.filename}: {error.strerror}; choose another folder with runs=FOLDER")  # by Hydra
    except ModuleNotFoundError:
        raise  # see experiments/__init__.py
    except Exception as error:  # Hydra fails in many ways on its own settings, such as hydra=5
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        if announced:
            _stop(f"the sweep stopped, run the same command to continue: {reason}")
        if begun:
            raise
        _stop(f"Hydra cannot use this command line: {reason}")


def _perform(function: Callable[[Config], object], settings: DictConfig) -> object:
    """Runs the function and prints the path that it returns. Turns memory and system errors into LutraErrors."""
    try:
        with remembering(), explained():
            config = checked(settings)
            if (in_steps := COUNTED(config)) != config:
                check(in_steps)
            made = function(in_steps)
    except HandedOver as handed:
        return handed.bundle
    if isinstance(made, Path):
        SHOW(made)
    return made


def _command() -> str:
    """The module that `python -m` runs; empty if Python runs something else."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return spec.name if spec is not None and spec.name.startswith("experiments.") else ""


def checked(settings: DictConfig) -> Config:
    """The typed configuration. Raises LutraError for an unknown setting, a missing value, or an invalid one."""
    check_references("", OmegaConf.to_container(settings))
    try:
        plain = OmegaConf.to_container(settings, resolve=True)
    except OmegaConfBaseException as error:
        raise LutraError(_explain(error)) from None
    assert isinstance(plain, dict)
    config = configured(plain)
    check(config)
    return dataclasses.replace(config, strategy=dataclasses.replace(config.strategy, options=options(config.strategy)))


def _explain(error: BaseException) -> str:
    """One line for an error that Hydra or OmegaConf finds beyond our own checks, in their words."""
    causes = [error]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    for cause in causes:
        if isinstance(cause, LutraError):
            return str(cause)
        if isinstance(cause, MissingConfigException) and cause.missing_cfg_file and cause.options is not None:
            group, _, name = cause.missing_cfg_file.rpartition("/")
            return str(unknown(group or "configuration", name, cause.options))
    own = next((cause for cause in causes if f"{cause}"), error)
    if not isinstance(own, OmegaConfBaseException):
        return " ".join(f"{own}".split())
    first = f"{own}".partition("\n")[0]  # the other lines name classes of OmegaConf
    return f"{own.full_key}: {first}" if own.full_key else first


def _stop(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)
