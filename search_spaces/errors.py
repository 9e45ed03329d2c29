"""The one exception that users see: one line with what was requested, what there is, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

SHOWN = 12  # names shown of a long list


class LutraError(Exception):
    """An error that the user can fix; printed as one line without a traceback, exit code 2."""


def unknown(what: str, requested: object, known: Iterable[object]) -> LutraError:
    """The error for an unknown name, with the most similar known one."""
    names = [str(name) for name in known]
    near = difflib.get_close_matches(str(requested), names, n=1, cutoff=0.6)
    near = near or [name for name in names if requested and name.startswith(str(requested))]
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return LutraError(f"there is no {what} {str(requested)!r}{hint} There are: {listed(names)}")


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
