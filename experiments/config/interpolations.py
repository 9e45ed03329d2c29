"""References to other settings in a value, `${KEY}`, checked before Hydra composes the configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from omegaconf.errors import GrammarParseError
from omegaconf.grammar_parser import OmegaConfGrammarParser, parse

from experiments.config.schema import OPTIONS, all_keys
from search_spaces.errors import LutraError, unknown

MARK = "${"


def has_references(value: Any) -> bool:
    """Whether a value, or a part of a list or mapping, refers to another setting."""
    return any(MARK in text for _, text in _texts("", value))


def check_references(key: str, value: Any) -> None:
    """Raises LutraError for a reference in the value of `key` that cannot be read, or whose setting does not exist.

    The value may be a mapping: of a section, or with the empty key the whole configuration.
    """
    for place, text in _texts(key, value):
        if MARK not in text:
            continue
        try:
            tree = parse(text)
        except GrammarParseError:
            raise LutraError(
                f"{place}: ${{KEY}} refers to another setting, and this reference cannot be read; to write the "
                "characters themselves, type \\${"
            ) from None
        for named in _references(tree):
            if named not in all_keys() and not named.startswith((f"{OPTIONS}.", "hydra.")):
                raise LutraError(f"{place}: {unknown('key', named, all_keys())}")


def _texts(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """The texts in a value, each with its key."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _texts(f"{key}.{name}" if key else str(name), part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(key, part)


def _references(tree: Any) -> Iterator[str]:
    """The keys that a parsed value refers to, except relative ones and those composed from other values."""
    if isinstance(tree, OmegaConfGrammarParser.InterpolationNodeContext):
        named = tree.getText().removeprefix(MARK).removesuffix("}").strip()
        if not named.startswith(".") and "[" not in named and MARK not in named:
            yield named
    for part in tree.getChildren() if hasattr(tree, "getChildren") else ():
        yield from _references(part)
