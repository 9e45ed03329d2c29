"""Composes the configuration files of a command line once: the next command with them only changes its settings.

Composing takes a tenth of a second and more, and hundreds of tests give a command the same files. Commands that start
in a process of their own, as the pipeline of most tests does, compose as users' commands do.
"""

import copy
import os

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra._internal.utils import create_config_search_path
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobRuntime
from hydra.types import RunMode

from experiments.config.groups import CONFIGS
from experiments.config.schema import settings
from experiments.config.stored_schema import store

MODES = ("hydra.mode=RUN", "hydra.mode=MULTIRUN")
compose = ConfigLoaderImpl._load_configuration_impl
composed = {}


def of_a_setting(override):
    """Whether it is like seed=1, which Hydra sets after composing, or like seed=1,2, which it leaves out."""
    return override.type.name == "CHANGE" and override.package is None and override.key_or_group in settings()


def quickly(self, config_name, overrides, run_mode, *more, **named):
    parsed = OverridesParser.create().parse_overrides(overrides)
    own = [one for one in parsed if of_a_setting(one)]
    others = [one.input_line for one in parsed if not of_a_setting(one)]
    swept = [one for one in own if one.is_sweep_override()]
    if (swept and run_mode == RunMode.RUN) or any("hydra" in line and line not in MODES for line in others):
        return compose(self, config_name, overrides, run_mode, *more, **named)
    folders = [one.path for one in self.config_search_path.get_path()]
    key = repr((config_name, others, run_mode, folders, more, named))
    if key not in composed:
        composed[key] = compose(self, config_name, others, run_mode, *more, **named)
    made = copy.deepcopy(composed[key])
    made.sweep = ConfigStore.instance().repo["schema.yaml"].node.sweep
    ConfigLoaderImpl._apply_overrides_to_config([one for one in own if one not in swept], made)
    tasks = [one for one in parsed if not one.is_hydra_override()]
    made.hydra.overrides.task = [one.input_line for one in tasks]
    names = made.hydra.job.config.override_dirname
    made.hydra.job.override_dirname = get_overrides_dirname(
        tasks, kv_sep=names.kv_sep, item_sep=names.item_sep, exclude_keys=names.exclude_keys
    )
    made.hydra.job.name = JobRuntime().get("name")
    made.hydra.runtime.cwd = os.getcwd()
    return made


def prepare(*words):
    """Composes with the words for a command, a sweep and its jobs, so that processes that are forked need not."""
    store("experiments.search")
    JobRuntime().set("name", "search")
    loader = ConfigLoaderImpl(create_config_search_path(str(CONFIGS)))
    for mode, run_mode in ((MODES[0], RunMode.RUN), (MODES[1], RunMode.MULTIRUN), (MODES[1], RunMode.RUN)):
        loader.load_configuration("config", [*words, mode], run_mode)


ConfigLoaderImpl._load_configuration_impl = quickly
