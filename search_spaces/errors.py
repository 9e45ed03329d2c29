"""The one exception that reaches a user: one line with what was asked, what there is, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SHOWN = 12  # names of a long list


class LutraError(Exception):
    """A mistake that the user can mend; printed as one line, without a traceback, exit code 2."""


def unknown(what: str, asked: object, known: Iterable[object]) -> LutraError:
    """The error for a name that is not there, with the nearest one that is."""
    names = [str(name) for name in known]
    near = difflib.get_close_matches(str(asked), names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    listed = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    return LutraError(f"there is no {what} {str(asked)!r}{hint} There are: {listed}")
