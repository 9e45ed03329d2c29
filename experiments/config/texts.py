"""The kinds of text settings, declared in the field's annotation."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Annotated

from search_spaces.errors import LutraError


@dataclass(frozen=True)
class Text:
    """`path`: whether the text is a path on this machine rather than a plain name."""

    path: bool


LocalPath = Annotated[str, Text(path=True)]
Name = Annotated[str, Text(path=False)]
LONGEST = 4096  # characters of a path: Linux's limit
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def expanded(key: str, path: str) -> str:
    """The path with `~` or `~user` replaced by the home folder. Raises LutraError for an unknown user."""
    whole = os.path.expanduser(path)
    user = path.split("/")[0]
    if whole == path and user.startswith("~") and not os.path.lexists(user):
        if user == "~":
            raise LutraError(f"{key}={path}: your home folder is unknown; set HOME, or write the path out")
        raise LutraError(f"{key}={path}: there is no user {user[1:]!r}; for a folder of that name: {key}=./{path}")
    return whole


def checked_text(key: str, text: str, kind: Text | None) -> str:
    """The text with a path expanded. Raises LutraError for a name with separators, or unprintable or overlong text."""
    if bad := UNPRINTABLE.search(text):
        raise LutraError(f"{key} contains the unprintable character {bad[0]!r}: remove it")
    if len(text) > LONGEST:
        raise LutraError(f"{key} has {len(text):,} characters: give at most {LONGEST:,}")
    if kind is None:
        return text
    if kind.path:
        return expanded(key, text)
    if "/" in text or "\\" in text or text.startswith(".") or len(text) > 100:
        raise LutraError(
            f"{key}={text[:100]!r} is not a name: give up to 100 characters, without slashes or a leading dot"
        )
    return text
