"""Checks the words of a command line, and rewrites them for Hydra.

Options may be anywhere. Texts are taken as typed. Every key is checked against the schema, and every value against its
setting, including every value of a sweep. Hydra checks only its own settings (`hydra.*`), and files given with
--config-dir.
"""

from __future__ import annotations

import argparse
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from experiments.config.groups import GROUPS, check_choice, choices, is_group, own_folders
from experiments.config.interpolations import check_references, has_references
from experiments.config.quoting import quoted
from experiments.config.schema import MISSING, OPTIONS, Setting, all_keys, formatted, sections, settings
from experiments.config.values import check_value
from search_spaces.errors import LutraError, unknown

MODES = ("run", "multirun", "cfg", "info", "shell_completion")  # Hydra runs only one of these
MOST_JOBS = 100_000  # allowed in a sweep
OVERRIDE = re.compile(
    r"(?P<sign>\+\+|\+|~)?(?P<key>[\w/@:$-]+(?:\.[\w/@:$-]+)*)(?:=(?P<value>.*))?", re.DOTALL | re.ASCII
)
PARSER = OverridesParser.create()


def checked_words(words: Sequence[str]) -> list[str]:
    """The command line after checking every word: options first, `~` expanded, and texts quoted.

    Raises LutraError for an unknown option or key, or an invalid value.
    """
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]
    parser.allow_abbrev = False
    parsed = parser.parse_intermixed_args([*words])
    _check_options(parsed)
    folders = own_folders(parsed)
    options = [*words]
    for word in parsed.overrides:
        options.remove(word)
    sweeping = is_sweep(parsed)
    jobs = 1
    overrides = []
    for before, word in zip(["", *parsed.overrides], parsed.overrides):
        override, count = _checked_override(word, before, sweeping, folders)
        overrides.append(override)
        jobs *= count
    if jobs > MOST_JOBS:
        raise LutraError(f"the sweep has more than {MOST_JOBS:,} jobs: give fewer values")
    return [*options, *overrides]


def is_sweep(parsed: argparse.Namespace) -> bool:
    """Whether a parsed command line is a --multirun."""
    return parsed.multirun or "hydra.mode=MULTIRUN" in parsed.overrides


def asks_for_sweep(words: Sequence[str]) -> bool:
    """Whether Hydra will run a sweep rather than show help."""
    parsed = get_args_parser().parse_args([*words])
    return is_sweep(parsed) and not (parsed.help or parsed.hydra_help)


def _refuse(message: str) -> NoReturn:
    reason = " ".join(message.split())
    raise LutraError(f"{reason}; options: --cfg job, --multirun, --help; settings are written key=value, without --")


def _check_options(parsed: argparse.Namespace) -> None:
    if parsed.experimental_rerun is not None:
        raise LutraError("--experimental-rerun would run a pickle: give the job's settings again instead")
    chosen = [f"--{mode.replace('_', '-')}" for mode in MODES if getattr(parsed, mode)]
    if len(chosen) > 1:
        raise LutraError(f"{' and '.join(chosen)} exclude each other: give only one of them")
    if parsed.resolve and not parsed.cfg and not parsed.help:
        raise LutraError("--resolve goes with --cfg: type --cfg job --resolve")
    if parsed.package and not parsed.cfg:
        raise LutraError("--package goes with --cfg: type --cfg job --package train")
    if parsed.cfg == "job" and parsed.package and parsed.package not in all_keys():
        raise unknown("key", parsed.package, all_keys())


def _checked_override(word: str, before: str, sweeping: bool, folders: Sequence[Path]) -> tuple[str, int]:
    """An override for Hydra after checking its key and values, and the number of values.

    Raises LutraError for an unknown key or an invalid value.
    """
    match = OVERRIDE.fullmatch(word)
    if match is None or (match["value"] is None and match["sign"] != "~"):
        raise _no_setting(word, before)
    sign, key, value = match["sign"] or "", match["key"], match["value"]
    if not (is_group(key, folders) or _is_key(key)):
        raise unknown("key", key, [*GROUPS, *all_keys()])
    one = settings().get(key)
    if sign == "~" and (one is not None or key in sections() - {*GROUPS}):
        raise LutraError(f"{word} would remove a setting that commands need: leave it out")
    if one is not None and one.kind is str and not one.many:
        value = quoted(one, value, sweeping)
    override = _parsed(sign + key if value is None else f"{sign}{key}={value}", key, word)
    if sign == "~":
        return word, 1
    values = [override.value()]
    if override.is_sweep_override():
        if not sweeping:
            raise LutraError(f"{formatted(word)} gives several values: add --multirun to run all of them")
        values = _swept(override, value, one)
    for each in values:
        check_choice(key, each, folders) if key in GROUPS else _check(key, each)
    return f"{sign}{key}={value}", max(1, len(values))


def _is_key(key: str) -> bool:
    """Whether a key is in the schema, or one that Hydra or the strategy checks."""
    return key in all_keys() or key == "hydra" or key.startswith((f"{OPTIONS}.", "hydra.", "hydra/"))


def _parsed(override: str, key: str, word: str) -> Override:
    try:
        return PARSER.parse_overrides([override])[0]
    except (HydraException, ValueError, RecursionError):  # the last two come from very long numbers and deep brackets
        given = word.partition("=")[2]
        if key in GROUPS:
            raise unknown(key, formatted(given), choices(key)) from None
        one = settings().get(key)
        if one is not None and one.kind is not str:
            raise one.refusal(given, "cannot be read") from None
        raise LutraError(
            f"{formatted(word)} cannot be read: a value with special characters is quoted for the shell and for Hydra, "
            f"'{key}=\"...\"'"
        ) from None


def _swept(override: Override, text: str, one: Setting | None) -> list[Any]:
    """The values of a sweep, at most one more than MOST_JOBS."""
    try:
        return [Override._convert_value(value) for value in itertools.islice(override.sweep_iterator(), MOST_JOBS + 1)]
    except (HydraException, ValueError, TypeError, ArithmeticError):  # such as range(0,3,0), interval(0,1), glob(*)
        if one is not None:
            raise one.refusal(text, "is not a valid sweep") from None
        return []  # a group with glob, which Hydra expands


def _check(key: str, value: Any) -> None:
    """Raises LutraError if a setting does not accept the value, or a section does not accept one of its values."""
    check_references(key, value)
    if key in settings():
        if value != MISSING and not has_references(value):  # references are resolved later
            check_value(settings()[key], value)
    elif key in sections() and isinstance(value, Mapping):
        for name, part in value.items():
            if not _is_key(f"{key}.{name}"):
                raise unknown("key", f"{key}.{name}", all_keys())
            _check(f"{key}.{name}", part)


def _no_setting(word: str, before: str) -> LutraError:
    if word == "=" or word in (*GROUPS, *all_keys()):
        return LutraError(f"{formatted(word)}: settings are written key=value without spaces, such as seed=1")
    if before.endswith("="):
        return LutraError(f"{formatted(word)} is not a setting; without a space it is {formatted(before + word)}")
    groups = [group for group in GROUPS if word in choices(group)]
    hint = f"did you mean {groups[0]}={word}?" if groups else "such as seed=1"
    one = settings().get(before.partition("=")[0])
    if one is not None and one.kind is str and not groups and "=" not in word:
        hint += f'; a value with spaces is quoted: "{formatted(f"{before} {word}")}"'
    name = formatted(word) if word and word == word.strip() else repr(word)
    return LutraError(f"{name} is not a setting: settings are written key=value, {hint}")
