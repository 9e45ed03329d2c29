"""Sentences on how a run was made: its stages, its targets, and its files."""

from __future__ import annotations

from collections.abc import Mapping

from paper import float_layers, sentences
from paper.chain import Chain
from paper.compression import WHOLE, WHOLE_QAT
from paper.compression_rows import Stage
from paper.latex import escape, kb, listed
from paper.setup_file import Setup

SMALL = 64  # pixels of the images for which the stems of hand-made networks are usual
COSTS = {"size": "of weights", "memory": "of activations"}


def compressed(found: Chain, unpruned: Stage | None, images: float) -> str:
    """A sentence on what the stages before quantization do to the winner; empty if there are none.

    `unpruned`: the winner's quantized file without pruning, which is the fair comparison if it was trained for as long.
    """
    if not found.between:
        return ""
    if unpruned is not None and unpruned.steps == found.last.steps != found.winner.steps:
        verdict = sentences.versus(found.last, unpruned, images)
        return (
            f"After {listed([*found.words, 'quantization'])}, the winner {verdict}, compared with its quantized file "
            "that is not pruned, but trained for as many steps. "
        )
    verdict = sentences.versus(found.unquantized, found.winner, images)
    return f"After {listed(found.words)}, the winner {verdict}, compared with the winner before. "


def deployed(found: Chain, quantized: Mapping[str, Stage], images: float) -> dict[str, str]:
    """Macro name -> LaTeX: the winner and the deployed file against the reference; in fp32 if it was not quantized."""
    if not {"retrained", "reference"} <= quantized.keys():
        versus = sentences.versus(found.winner, found.reference, images)
        return {"NasDeployed": versus, "NasPrecision": "fp32", "DeployedVersus": ""}
    winner, reference = quantized["retrained"], quantized["reference"]
    pruned = found.last.sha256 != winner.sha256
    return {
        "NasDeployed": sentences.versus(winner, reference, images),
        "NasPrecision": escape(winner.precision_name),
        "DeployedVersus": sentences.versus(found.last, reference, images) if pruned else "",
    }


def targets(winner: Stage, run: Setup) -> str:
    """Sentences on whether the measured winner meets the target latency, and on the targets of other costs."""
    bytes_of = {cost: run.optional(key) for cost in COSTS if (key := f"target_{cost}_bytes") in run.values}
    others = [f"{kb(value)} {COSTS[cost]}" for cost, value in bytes_of.items() if value is not None]
    more = f" The search also had a target of {listed(others)}." if others else ""
    return sentences.target(winner, run) + more


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
    where = " in the deployed file" if run.values.get("float_layers") else ""
    return (
        r"Static quantization after training~\cite{jacob2018quantization,wu2020integer}: one scale per output channel "
        f"for weights, and activations with ranges from training images, of {float_layers.quantized(run)}{where}."
    )


def compared(found: Chain) -> str:
    """A sentence on how the files that are compared with hand-made networks differ from the run's; may be empty."""
    if found.name == WHOLE:
        return ""
    if found.name == WHOLE_QAT:
        return " All are without quantization-aware training, which the hand-made networks cannot have."
    return " Here the winner is pruned, finetuned and quantized, unlike the run's own file."
