"""The rows of reproduce.csv: how long the parts of a reproduction took."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A command that publishes files, and the seconds of the steps that no earlier part needed.

    They are added, also where some ran at the same time (`jobs`). A search's finalists are among them.
    """

    part: str
    seconds: float
    table_sha256: str = ""  # of the run's latency table; older files do not say
