"""What a text setting holds, declared beside the field."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Annotated

from search_spaces.errors import LutraError


@dataclass(frozen=True)
class Text:
    """`path`: of a file or folder on this machine, or a name of one, without its folder."""

    path: bool


LocalPath = Annotated[str, Text(path=True)]
Name = Annotated[str, Text(path=False)]
LONGEST = 4096  # letters of a path; Linux takes no longer one
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def expanded(key: str, path: str) -> str:
    """The path with the home folder for `~` and `~user`. Raises LutraError where there is no such user."""
    whole = os.path.expanduser(path)
    user = path.split("/")[0]
    if whole == path and user.startswith("~") and not os.path.lexists(user):
        if user == "~":
            raise LutraError(f"{key}={path}: your home folder is not known; set HOME, or write it out")
        raise LutraError(f"{key}={path}: there is no user {user[1:]!r}; for a folder of that name: {key}=./{path}")
    return whole


def checked_text(key: str, text: str, kind: Text | None) -> str:
    """The text as it is used: a path expanded, a name free of separators. Raises LutraError for any other."""
    if bad := UNPRINTABLE.search(text):
        raise LutraError(f"{key} holds the unprintable character {bad[0]!r}: give it without")
    if len(text) > LONGEST:
        raise LutraError(f"{key} has {len(text):,} letters: give at most {LONGEST:,}")
    if kind is None:
        return text
    if kind.path:
        return expanded(key, text)
    if "/" in text or "\\" in text or text.startswith(".") or len(text) > 100:
        raise LutraError(
            f"{key}={text[:100]!r} is not a name: give one of up to 100 letters, without slashes or a leading dot"
        )
    return text
