"""The text that sets the space's own networks beside hand-made ones: the reference, a random one, the winner's input.

They are of the run's session, and the hand-made networks of another one on the same machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paper.compression_rows import HandMade, Stage
from paper.latex import count, escape, ms, percent
from paper.rows import Layer, read
from paper.setup_file import setup
from paper.significance import clearly_better, clearly_faster


def macros(results: Path, others: Sequence[HandMade]) -> dict[str, str]:
    """Macro name -> LaTeX. Raises ResultError."""
    run, precision = setup(results), others[0].precision
    quantized = {row.stage: row for row in read(results, Stage) if row.precision == precision}
    return {
        "HandMadeSpace": _networks(quantized, others, run.number("test_images")),
        "HandMadeRandom": _random(quantized.get("random"), others, run.number("test_images")),
        "HandMadeInput": _input(read(results, Layer)[0].resolution, run.number("resolution")),
    }


def _networks(quantized: dict[str, Stage], others: Sequence[HandMade], images: float) -> str:
    """Sentences on the reference and the random architecture; empty unless both were quantized."""
    reference, random = quantized.get("reference"), quantized.get("random")
    if reference is None or random is None:
        return ""
    text = (
        f"In {escape(reference.precision_name)}, the space's own reference has "
        f"{percent(reference.test_accuracy)} at {ms(reference.latency_median_s)}, and the random architecture "
        f"{percent(random.test_accuracy)} at {ms(random.latency_median_s)}."
    )
    beaten = _beaten(random, others, images)
    if not beaten:
        return text
    return (
        f"{text} The random architecture is both faster and more accurate than {count(beaten)} of the "
        f"{count(len(others))} hand-made networks, so a part of the winner's lead is that of the space, not of the "
        "search."
    )


def _random(random: Stage | None, others: Sequence[HandMade], images: float) -> str:
    """A clause on the random architecture, which no search chose; empty if it beats no hand-made network."""
    beaten = _beaten(random, others, images) if random else 0
    if not beaten:
        return ""
    return (
        f"; a random architecture of the space, not pruned, is both faster and more accurate than {count(beaten)} of "
        "them"
    )


def _beaten(random: Stage, others: Sequence[HandMade], images: float) -> int:
    """The number of hand-made networks that are both slower and less accurate."""
    return sum(clearly_faster(random, one) and clearly_better(random, one, images) for one in others)


def _input(winner: int, images: float) -> str:
    """A sentence on the winner's resolution, if a trunk set another one than that of the images; otherwise empty."""
    if winner == images:
        return ""
    return (
        f"The winner reads the images at {winner} pixels, which the search chose; the hand-made networks read them at "
        f"{images:.0f}, and neither their resolution nor their width was searched."
    )
