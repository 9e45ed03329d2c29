"""Every setting by its key, with its type and valid values, read from the dataclasses of the configuration."""

from __future__ import annotations

import dataclasses
import math
import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from experiments.config import Config
from experiments.config.texts import Text, checked_text
from search_spaces.errors import LutraError, unknown
from search_spaces.ranges import Range

MISSING = "???"  # marks a setting in a YAML file that the user must give
OPTIONS = "strategy.options"  # its keys depend on the strategy
SWITCH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
SHOWN = 60  # how many characters of a refused value to show


@dataclass(frozen=True)
class Setting:
    """One setting of the configuration, which may be a list."""

    key: str
    kind: type  # bool, int, float or str
    many: bool
    optional: bool  # null is a value
    empty: bool  # "" is a value
    limits: Range | None
    text: Text | None

    @property
    def wanted(self) -> str:
        one = KINDS[self.kind] + (f" {self.limits}" if self.limits else "")
        return (f"a list in brackets, each {one}" if self.many else one) + (", or null" if self.optional else "")

    def value(self, given: Any) -> Any:
        """The value converted to its type. Raises LutraError for another type or a value out of range."""
        if self.optional and (given is None or (given == "" and self.kind is str)):
            return None
        if not self.many:
            return self._one(given)
        if not isinstance(given, list | tuple):
            raise self.refusal(given, "is not a list")
        return [self._one(one) for one in given]

    def _one(self, given: Any) -> Any:
        value = CONVERTED[self.kind](given)
        if value is None:
            raise self.refusal(given, "has the wrong type")
        if isinstance(value, str):
            if not value and not self.empty:
                raise LutraError(f"{self.key} is empty: give {self.wanted}, or leave {self.key} out for the default")
            return checked_text(self.key, value, self.text)
        if isinstance(value, float) and not math.isfinite(value):
            raise self.refusal(given, "is not finite")
        if self.limits is not None and value not in self.limits:
            raise self.refusal(given, "is out of range")
        return value

    def refusal(self, given: object, reason: str) -> LutraError:
        return LutraError(f"{self.key}={formatted(given)} {reason}: give {self.wanted}")


def formatted(given: object) -> str:
    """A value formatted for a message: one line of limited length."""
    text = "null" if given is None else str(given).lower() if isinstance(given, bool) else _digits(given)
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _digits(given: object) -> str:
    try:
        return str(given)
    except ValueError:  # Python does not print integers of more than 4,300 digits
        return "a number of thousands of digits"


def _bool(given: Any) -> bool | None:
    return SWITCH.get(str(given).lower()) if isinstance(given, bool | int | str) else None


def _int(given: Any) -> int | None:
    if isinstance(given, str) and re.fullmatch(r"[+-]?\d{1,30}", given):
        return int(given)
    if isinstance(given, float) and given.is_integer():
        return int(given)
    return given if isinstance(given, int) and not isinstance(given, bool) else None


def _float(given: Any) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        return float(given)
    except OverflowError:
        return math.inf
    except ValueError:
        return None


def _str(given: Any) -> str | None:
    return None if given is None or isinstance(given, dict | list) else _digits(given)


CONVERTED: dict[type, typing.Callable[[Any], Any]] = {bool: _bool, int: _int, float: _float, str: _str}


def setting(key: str, hint: Any, default: Any) -> Setting:
    """The setting that an annotation describes, such as `Annotated[int, Range(1, 9)]`; may be optional, or a list."""
    many = optional = False
    marks: list[Any] = []
    while origin := get_origin(hint):
        inner = [one for one in get_args(hint) if one is not type(None)]
        marks += getattr(hint, "__metadata__", ())
        optional |= origin in (Union, types.UnionType)
        many |= origin is list
        hint = inner[0]
        if origin is Annotated:
            continue
    limits = next((mark for mark in marks if isinstance(mark, Range)), None)
    text = next((mark for mark in marks if isinstance(mark, Text)), None)
    return Setting(key, hint, many, optional, default == "", limits, text)


@cache
def _hints(made: type) -> Mapping[str, Any]:
    return get_type_hints(made, include_extras=True)


def _settings(made: type, prefix: str) -> Iterator[Setting]:
    hints = _hints(made)
    for field in dataclasses.fields(made):
        key = prefix + field.name
        if dataclasses.is_dataclass(hints[field.name]):
            yield from _settings(hints[field.name], f"{key}.")
        elif key != OPTIONS:
            yield setting(key, hints[field.name], field.default)


@cache
def settings() -> Mapping[str, Setting]:
    return {one.key: one for one in _settings(Config, "")}


@cache
def sections() -> frozenset[str]:
    """The keys of sections, such as `train` for `train.steps`."""
    parts = [key.split(".")[:-1] for key in settings()]
    return frozenset(".".join(part[: depth + 1]) for part in parts for depth in range(len(part)))


def all_keys() -> tuple[str, ...]:
    return (*settings(), *sorted(sections()), OPTIONS)


def configured(tree: Mapping[Any, Any]) -> Config:
    """The configuration from a tree of plain values.

    Raises LutraError for an unknown or missing key, or a value that has the wrong type or is out of range.
    """
    made = _configured(Config, tree, "")
    assert isinstance(made, Config)
    return made


def _configured(made: type, tree: Any, prefix: str) -> Any:
    if not isinstance(tree, Mapping):
        raise LutraError(f"{prefix[:-1]}={formatted(tree)} is a section: give {prefix}KEY=VALUE")
    hints = _hints(made)
    if strange := [name for name in tree if name not in hints]:
        raise unknown("key", f"{prefix}{strange[0]}", all_keys())
    values = {}
    for name, hint in hints.items():
        key = prefix + name
        if name not in tree:
            raise LutraError(f"{key} was removed from the configuration: leave ~{key} out")
        if tree[name] == MISSING:
            raise LutraError(f"{key} needs a value: add {key}=... to the command")
        if dataclasses.is_dataclass(hint):
            values[name] = _configured(typing.cast(type, hint), tree[name], f"{key}.")
        elif key == OPTIONS:
            if not isinstance(tree[name], Mapping):
                raise LutraError(f"{key}={formatted(tree[name])} is a section: give {key}.KEY=VALUE")
            values[name] = dict(tree[name])
        else:
            values[name] = settings()[key].value(tree[name])
    return made(**values)
