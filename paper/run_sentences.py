"""Sentences on how a run was made: its stages, its targets, and its files."""

from __future__ import annotations

from paper import sentences
from paper.chain import Chain
from paper.compression import WHOLE, WHOLE_QAT
from paper.compression_rows import Stage
from paper.latex import kb, listed
from paper.setup_file import Setup

SMALL = 64  # pixels of the images for which the stems of hand-made networks are usual
COSTS = {"size": "of weights", "memory": "of activations"}


def compressed(found: Chain, images: float) -> str:
    """A sentence on what the stages before quantization do to the winner; empty if there are none."""
    if not found.between:
        return ""
    verdict = sentences.versus(found.unquantized, found.winner, images)
    return f"After {listed(found.words)}, the winner {verdict}, compared with the winner before. "


def targets(winner: Stage, run: Setup) -> str:
    """Sentences on whether the measured winner meets the target latency, and on the targets of other costs."""
    bytes_of = {cost: run.optional(key) for cost in COSTS if (key := f"target_{cost}_bytes") in run.values}
    others = [f"{kb(value)} {COSTS[cost]}" for cost, value in bytes_of.items() if value is not None]
    more = f" The search also had a target of {listed(others)}." if others else ""
    return sentences.target(winner, run) + more


def profile(run: Setup) -> str:
    """A sentence on how operators were timed."""
    if run.runtime == "onnxruntime":
        return "Operators were timed by the runtime's profiler, and summed."
    return "Operators were timed as differences between files that end one operator apart, and summed."


def stems(run: Setup) -> str:
    """A sentence on the stems of hand-made networks, which are those for small images."""
    slow = "" if run.number("resolution") <= SMALL else ", which makes them slower on images as large as these"
    return f"The stems of hand-made convolutional networks have stride 1, as is common for small images{slow}. "


def quantization(last: Stage, run: Setup) -> str:
    """Sentences on how the last file was made from its network."""
    if last.precision == "fp16":
        return "Weights and activations are converted to half precision."
    if last.precision == "dynamic":
        return "Weights are quantized to INT8 after training; the ranges of activations are those of each image."
    return (
        r"Static quantization after training~\cite{jacob2018quantization,wu2020integer}: one scale per output channel "
        f"for weights, and activations with ranges from training images, of {sentences.quantized(run)}."
    )


def compared(found: Chain) -> str:
    """A sentence on how the files that are compared with hand-made networks differ from the run's; may be empty."""
    if found.name == WHOLE:
        return ""
    if found.name == WHOLE_QAT:
        return " All are without quantization-aware training, which the hand-made networks cannot have."
    return " Here the winner is pruned, finetuned and quantized, unlike the run's own file."
