"""Sentences on sessions: one file has a latency in each session that timed it, and these differ."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paper.compression_rows import HandMade, PruningRule, Stage, Variant
from paper.latex import ms
from paper.rows import FILES, read
from paper.significance import SAME_TIME

TABLES: dict[str, type[Stage]] = {"Ablation": Variant, "HandMade": HandMade, "Pruning": PruningRule}


def macros(results: Path) -> dict[str, str]:
    """For each table but the first a sentence for its caption: how its session differs from that of stages.csv."""
    first = read(results, Stage)
    there = {name: kind for name, kind in TABLES.items() if (results / FILES[kind]).exists()}
    return {f"{name}Session": sentence(read(results, kind), first) for name, kind in there.items()}


def sentence(rows: Sequence[Stage], first: Sequence[Stage]) -> str:
    """Compares the file whose latency differs most between a table's session and the first table's."""
    own = r"Timed in a session of its own"
    known = {row.sha256: row for row in first}
    common = [(row, known[row.sha256]) for row in rows if row.sha256 in known]
    if not common:
        return rf"{own}: compare latencies within this table only, not with Table~\ref{{tab:stages}}."
    here, there = max(common, key=lambda pair: abs(pair[0].latency_median_s / pair[1].latency_median_s - 1))
    change = here.latency_median_s / there.latency_median_s - 1
    if abs(change) < SAME_TIME:
        limit = rf"{100 * SAME_TIME:.0f}\,\%"
        return rf"{own}; files that are also in Table~\ref{{tab:stages}} have the same latency in both, within {limit}."
    return (
        rf"{own}: one file takes {ms(here.latency_median_s)} here and {ms(there.latency_median_s)} in "
        rf"Table~\ref{{tab:stages}}, because the machine was not equally fast in both sessions, so compare latencies "
        "within a table only."
    )
