"""Configurations of typed settings, the lines that refuse them, and processes that get them."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
from pathlib import Path

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from experiments.config import Config
from experiments.config import command as command_line
from experiments.config.arguments import PARSER, checked_words
from search_spaces.errors import LutraError
from tests.commands import OUTSIDE, ROOT

GRAMMAR = re.compile(r"mismatched|extraneous|token recognition|no viable|EOF|\bID\b|ParserError|full_key|object_type")


def configuration(defaults: DictConfig, *words: str) -> Config:
    """Returns the configuration of some overrides as a command does, without composing again. Raises LutraError."""
    overrides = [word for word in checked_words(words) if "=" in word]
    keys = [word.partition("=")[0] for word in overrides]
    before = {key: copy.deepcopy(OmegaConf.select(defaults, key)) for key in keys}
    try:
        ConfigLoaderImpl._apply_overrides_to_config(PARSER.parse_overrides(overrides), defaults)
        return command_line.checked(defaults)
    except (HydraException, OmegaConfBaseException) as error:
        raise LutraError(command_line._explain(error)) from error
    finally:
        for key, value in before.items():
            OmegaConf.update(defaults, key, value, merge=False)


def started(*words: str, before: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = f"{before}:{ROOT}" if before else str(ROOT)
    return subprocess.run([sys.executable, *words], env={**OUTSIDE, "PYTHONPATH": path}, capture_output=True, text=True)
