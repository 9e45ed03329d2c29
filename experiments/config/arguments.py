"""Checks the words of a command line, and rewrites them for Hydra.

Options may stand anywhere. Texts are taken as typed: Hydra's grammar rejects letters beyond ASCII, and brackets or `#`
outside quotes, so such texts are quoted for it. Every value is checked against its setting, including every value of a
sweep.
"""

from __future__ import annotations

import argparse
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from hydra.errors import HydraException

import hydra_conf
from experiments.config.registry import RUNTIMES, SPACES, STRATEGIES
from experiments.config.schema import MISSING, OPTIONS, Setting, all_keys, formatted, sections, settings
from experiments.config.texts import expanded
from experiments.config.values import check_value
from search_spaces.errors import LutraError, unknown

CONFIGS = Path(hydra_conf.__file__).parent
GROUPS = ("data", "space", "device", "runtime", "strategy", "objective", "compress", "experiment")
FOUND = {"space": SPACES, "strategy": STRATEGIES, "runtime": RUNTIMES}  # groups whose choices need no YAML file
MODES = ("run", "multirun", "cfg", "info", "shell_completion")  # Hydra runs only one of these
MOST_JOBS = 100_000  # in a sweep
OVERRIDE = re.compile(
    r"(?P<sign>\+\+|\+|~)?(?P<key>[\w/@:$-]+(?:\.[\w/@:$-]+)*)(?:=(?P<value>.*))?", re.DOTALL | re.ASCII
)
PLAIN = re.compile(r"[A-Za-z_/.][\w/.:@+%?*|-]*", re.ASCII)  # Hydra reads these as texts without quotes
WORDS = {"null", "true", "false", "nan", "inf"}  # except these
FUNCTION = re.compile(r"(choice|range|interval|shuffle|sort|tag|glob|extend_list)\(.*\)", re.DOTALL)
PARSER = OverridesParser.create()


def prepared(words: Sequence[str]) -> list[str]:
    """The command line with options first, `~` expanded, and texts quoted.

    Raises LutraError for an unknown option or an invalid value.
    """
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]
    parsed = parser.parse_intermixed_args([*words])
    _check_options(parsed)
    options = [*words]
    for word in parsed.overrides:
        options.remove(word)
    sweeping = is_sweep(parsed)
    jobs = 1
    overrides = []
    for before, word in zip(["", *parsed.overrides], parsed.overrides):
        override, count = _prepared(word, before, sweeping)
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
    told = " ".join(message.split())
    raise LutraError(f"{told}; options: --cfg job, --multirun, --help; settings are written key=value")


def _check_options(parsed: argparse.Namespace) -> None:
    if parsed.experimental_rerun is not None:
        raise LutraError("--experimental-rerun would run a pickle: give the job's settings again instead")
    chosen = [f"--{mode.replace('_', '-')}" for mode in MODES if getattr(parsed, mode)]
    if len(chosen) > 1:
        raise LutraError(f"{' and '.join(chosen)} exclude each other: give one of them")
    if parsed.resolve and not parsed.cfg and not parsed.help:
        raise LutraError("--resolve goes with --cfg: type --cfg job --resolve")
    if parsed.package and not parsed.cfg:
        raise LutraError("--package goes with --cfg: type --cfg job --package train")
    if parsed.cfg == "job" and parsed.package and parsed.package not in all_keys():
        raise unknown("key", parsed.package, all_keys())


def _prepared(word: str, before: str, sweeping: bool) -> tuple[str, int]:
    """An override for Hydra, and the number of its values."""
    match = OVERRIDE.fullmatch(word)
    if match is None or (match["value"] is None and match["sign"] != "~"):
        raise _no_setting(word, before)
    sign, key, value = match["sign"] or "", match["key"], match["value"]
    if value is None or sign == "~":
        if key in settings() or key in sections() - {*GROUPS}:
            raise LutraError(f"{word} would take away a setting that commands need: leave it out")
        return word, 1
    one = settings().get(key)
    if one is not None and one.kind is str and not one.many:
        value = _quoted(one, value, sweeping)
    override = _parsed(f"{sign}{key}={value}", key, word, one)
    if key in GROUPS and not override.is_sweep_override() and not isinstance(override.value(), str):
        names = ", ".join(_named(key))
        raise LutraError(f"{formatted(word)} is not the name of a configuration: give one name, {names}")
    if not override.is_sweep_override():
        if one is not None:
            _check(one, override.value())
        return f"{sign}{key}={value}", 1
    if not sweeping:
        raise LutraError(f"{formatted(word)} gives several values: add --multirun to run them all")
    return f"{sign}{key}={value}", _check_sweep(override, value, one)


def _quoted(one: Setting, value: str, sweeping: bool) -> str:
    """A text as Hydra takes it: unchanged if possible, else quoted."""
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value  # already quoted for Hydra
    if not sweeping or "," not in value:
        return _one_text(one, value, sweeping)
    if FUNCTION.fullmatch(value):
        return value
    if one.text is not None and one.text.path and Path(value).expanduser().exists():
        raise LutraError(
            f"{one.key}={formatted(value)} exists, but with --multirun its commas separate values: quote it "
            f"for the shell and for Hydra: '{one.key}=\"{value}\"'"
        )
    return ",".join(_one_text(one, part, sweeping) for part in value.split(","))


def _one_text(one: Setting, value: str, sweeping: bool) -> str:
    if value == "null" or value == MISSING or (sweeping and FUNCTION.fullmatch(value)):
        return value
    if one.text is not None and one.text.path:
        value = expanded(one.key, value)
    if PLAIN.fullmatch(value) and value.lower() not in WORDS:
        return value
    return QuotedString(value, Quote.single).with_quotes()


def _parsed(override: str, key: str, word: str, one: Setting | None) -> Override:
    try:
        return PARSER.parse_overrides([override])[0]
    except (HydraException, ValueError, RecursionError):  # the last two come from very long numbers and deep brackets
        if key in GROUPS:
            raise unknown(key, formatted(word.partition("=")[2]), _named(key)) from None
        if key not in all_keys() and not key.startswith((f"{OPTIONS}.", "hydra")):
            raise unknown("key", key, [*GROUPS, *all_keys()]) from None
        if one is not None and one.kind is not str:
            raise one.refusal(word.partition("=")[2], "cannot be read") from None
        raise LutraError(
            f"{formatted(word)} cannot be read: a value with special characters is quoted for the shell and for Hydra, "
            f"'{key}=\"...\"'"
        ) from None


def _check_sweep(override: Override, text: str, one: Setting | None) -> int:
    """The number of values in a sweep, after checking each."""
    try:
        values = [*itertools.islice(_values(override), MOST_JOBS + 1)]
    except (HydraException, ValueError, TypeError, ArithmeticError):  # such as range(0,3,0), interval(0,1), glob(*)
        if one is not None:
            raise one.refusal(text, "is not a sweep") from None
        return 1  # a group with glob, which Hydra expands
    if one is not None:
        for value in values:
            _check(one, value)
    return len(values)


def _values(override: Override) -> Iterator[Any]:
    for value in override.sweep_iterator():
        yield Override._convert_value(value)


def _check(one: Setting, value: Any) -> None:
    if "${" not in str(value) and value != MISSING:  # interpolations are resolved later
        check_value(one, value)


def _no_setting(word: str, before: str) -> LutraError:
    groups = [group for group in GROUPS if word in _named(group)]
    hint = f"did you mean {groups[0]}={word}?" if groups else "such as seed=1"
    one = settings().get(before.partition("=")[0])
    if one is not None and one.kind is str and not groups and "=" not in word:
        hint += f'; a value with spaces is quoted: "{formatted(f"{before} {word}")}"'
    name = formatted(word) if word and word == word.strip() else repr(word)
    return LutraError(f"{name} is not a setting: settings are written key=value, {hint}")


def _named(group: str) -> list[str]:
    return sorted({path.stem for path in (CONFIGS / group).glob("*.yaml")} | {*FOUND.get(group, ())})
