"""python -m experiments.keys PREFIX: every configuration key with its default, its valid values and its meaning.

Without PREFIX, all keys; with train, those of the section train; with tr, those that begin with these letters.
With --page, all keys as the page hydra_conf/README.md: python -m experiments.keys --page > hydra_conf/README.md
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from experiments.config import Config
from experiments.config.groups import GROUPS, choices
from experiments.config.meanings import meanings, of_options
from experiments.config.registry import STRATEGIES, default_options
from experiments.config.schema import OPTIONS, Setting, all_keys, settings
from experiments.config.values import CHOICES, option_settings
from search_spaces.errors import LutraError, unknown

PAGE = "--page"
BEGINNING = """# Every configuration key

Any command takes `key=value`; `lutra keys PREFIX` shows the keys that begin with PREFIX. A key without a unit is a
count, a fraction or a plain number, as its meaning says. This page is written by
`python -m experiments.keys --page > hydra_conf/README.md`.
"""
COLUMNS = "| key | default | unit | meaning | valid values |\n|---|---|---|---|---|"


@dataclass(frozen=True)
class Key:
    """What is shown of a key: its default as typed, and its meaning."""

    key: str
    default: str
    unit: str  # empty for counts, fractions and texts
    valid: str
    meaning: str

    def __str__(self) -> str:
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.key}={self.default}  {self.meaning} [{self.valid}{unit}]"


def main(words: Sequence[str]) -> int:
    prefixes = [word for word in words if word not in ("--help", "-h")]
    if len(prefixes) < len(words):
        print((__doc__ or "").strip())
        return 0
    try:
        if len(prefixes) > 1:
            raise LutraError(f"keys takes one prefix, not {len(prefixes)}: python -m experiments.keys {prefixes[0]}")
        print(page() if prefixes == [PAGE] else "\n".join(lines(*prefixes)), flush=True)
    except LutraError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # of lutra keys | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def lines(prefix: str = "") -> list[str]:
    """One line per key, and one per section above its keys. Raises LutraError if no key begins with `prefix`."""
    groups = [(group, f"{group}=NAME  {_names(group)}: a choice that sets several keys") for group in GROUPS]
    rows = [(key, f"\n{key}: {one}" if isinstance(one, str) else str(one)) for key, one in _settings()]
    options = [(one.key, f"{one}, of strategy={strategy}") for strategy, one in _options()]
    found = [line for key, line in (*groups, *rows, *options) if begins(key, prefix)]
    if not found:
        raise unknown("key that begins with", prefix, [*GROUPS, *all_keys()])
    return found


def page() -> str:
    """All keys as a page of Markdown, with a table for each section."""
    parts = [BEGINNING, "| choice | sets several keys at once |\n|---|---|"]
    parts += [f"| `{group}=` | {_names(group)} |" for group in GROUPS]
    parts += ["\n## Keys of no section\n", COLUMNS]
    for key, one in _settings():
        parts += (
            [f"\n## {key}\n\n{_cell(one[:1].upper() + one[1:])}.\n", COLUMNS] if isinstance(one, str) else [_row(one)]
        )
    of = ""
    for strategy, one in _options():
        parts += [f"\n## {OPTIONS} of strategy={strategy}\n", COLUMNS] if strategy != of else []
        parts, of = [*parts, _row(one)], strategy
    return "\n".join(parts)


def _row(one: Key) -> str:
    cells = (f"`{one.key}`", f"`{one.default}`", one.unit, _cell(one.meaning), _cell(one.valid))
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def begins(key: str, prefix: str) -> bool:
    """Whether a key is the prefix or in its section; if the prefix is not a key, whether it begins with its letters."""
    wanted = prefix.removesuffix(".")
    if wanted in {*GROUPS, *all_keys()}:
        return key == wanted or key.startswith(f"{wanted}.")
    return key.startswith(prefix)


def _names(group: str) -> str:
    return ", ".join(choices(group))


def _settings() -> Iterator[tuple[str, Key | str]]:
    """Every key; before the first key of a section, the section with its meaning."""
    defaults = Config()
    for key, meaning in meanings().items():
        if key in settings():
            yield key, described(settings()[key], attrgetter(key)(defaults), meaning)
        elif key != OPTIONS:
            yield key, meaning


def _options() -> Iterator[tuple[str, Key]]:
    """Every option of every strategy, with the strategy's name."""
    for strategy in STRATEGIES:
        defaults, texts = default_options(strategy), of_options(strategy)
        for name, one in option_settings(strategy).items():
            yield strategy, described(one, defaults[name], texts[name])


def described(one: Setting, default: Any, meaning: str) -> Key:
    """A key with its default as typed, its unit, and which values it takes."""
    names = CHOICES.get(one.key, ("", ()))[1]
    each = f"each one of {', '.join(names)}" if one.many else f"one of {', '.join(names)}"
    wanted = one.wanted.replace("a text", "a path") if one.text is not None and one.text.path else one.wanted
    unit = one.limits.unit if one.limits is not None else ""
    return Key(one.key, typed(default), unit, each if names else wanted.replace(f" ({unit})", ""), meaning)


def typed(value: Any) -> str:
    """A value as typed on a command line."""
    if isinstance(value, list):
        return f"[{','.join(map(typed, value))}]"
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    return str(value) if value != "" else "''"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
