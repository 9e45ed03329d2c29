"""python -m experiments.keys PREFIX: every configuration key with its default, its valid values and its meaning.

Without PREFIX, all keys; with train, those of the section train; with tr, those that begin with these letters.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any

from experiments.config import Config
from experiments.config.groups import GROUPS, choices
from experiments.config.meanings import meanings, of_options
from experiments.config.registry import STRATEGIES, default_options
from experiments.config.schema import OPTIONS, Setting, all_keys, settings
from experiments.config.values import CHOICES, option_settings
from search_spaces.errors import LutraError, unknown


def main(words: Sequence[str]) -> int:
    prefixes = [word for word in words if word not in ("--help", "-h")]
    if len(prefixes) < len(words):
        print((__doc__ or "").strip())
        return 0
    try:
        if len(prefixes) > 1:
            raise LutraError(f"keys takes one prefix, not {len(prefixes)}: python -m experiments.keys {prefixes[0]}")
        print("\n".join(lines(*prefixes)), flush=True)
    except LutraError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # of lutra keys | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def lines(prefix: str = "") -> list[str]:
    """One line per key, and one per section above its keys. Raises LutraError if no key begins with `prefix`."""
    found = [line for key, line in (*_groups(), *_settings(), *_options()) if begins(key, prefix)]
    if not found:
        raise unknown("key that begins with", prefix, [*GROUPS, *all_keys()])
    return found


def begins(key: str, prefix: str) -> bool:
    """Whether a key has the prefix: is it or in its section, or, if the prefix is no key, begins with its letters."""
    wanted = prefix.removesuffix(".")
    if wanted in {*GROUPS, *all_keys()}:
        return key == wanted or key.startswith(f"{wanted}.")
    return key.startswith(prefix)


def _groups() -> Iterator[tuple[str, str]]:
    for group in GROUPS:
        yield group, f"{group}=NAME  {', '.join(choices(group))}: a choice that sets several keys"


def _settings() -> Iterator[tuple[str, str]]:
    defaults = Config()
    for key, meaning in meanings().items():
        if key in settings():
            yield key, line(settings()[key], attrgetter(key)(defaults), meaning)
        elif key != OPTIONS:
            yield key, f"\n{key}: {meaning}"


def _options() -> Iterator[tuple[str, str]]:
    for strategy in STRATEGIES:
        defaults, texts = default_options(strategy), of_options(strategy)
        for name, one in option_settings(strategy).items():
            yield one.key, f"{line(one, defaults[name], texts[name])}, of strategy={strategy}"


def line(one: Setting, default: Any, meaning: str) -> str:
    """A key with its default as typed, what it means, and which values it takes."""
    names = CHOICES.get(one.key, ("", ()))[1]
    each = f"each one of {', '.join(names)}" if one.many else f"one of {', '.join(names)}"
    wanted = one.wanted.replace("a text", "a path") if one.text is not None and one.text.path else one.wanted
    return f"{one.key}={typed(default)}  {meaning} [{each if names else wanted}]"


def typed(value: Any) -> str:
    """A value as typed on a command line."""
    if isinstance(value, list):
        return f"[{','.join(map(typed, value))}]"
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    return str(value) if value != "" else "''"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
