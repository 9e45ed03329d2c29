"""Words on the space: the kinds of its blocks, from table.csv, and its hand-made reference."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from math import prod
from pathlib import Path

from paper.latex import count, escape, listed
from paper.origin import TRUNKS
from paper.rows import Block, read
from paper.setup_file import Setup, setup

INVERTED = r"inverted residual blocks~\cite{sandler2018mobilenetv2} with several kernel sizes and expand ratios"
KINDS = {  # of blocks, in words; others are named as in the code
    "MBConv": r"inverted residual blocks~\cite{sandler2018mobilenetv2}",
    "FusedMBConv": "fused inverted residual blocks",
    "SqueezeExciteMBConv": "inverted residual blocks with squeeze-and-excite",
    "ResidualBlock": "residual blocks",
    "Attention": "attention",
}
FIXED = ("Stem", "Head")  # ends of the names of kinds that every space has
MOBILE = (
    r"makes MobileNetV2's choice everywhere: $3\times3$ kernels, the largest expand ratio, full depth",
    "MobileNetV2's choices",
)
RESNET = ("is a ResNet: residual blocks throughout, at full depth", "a ResNet of the same space")
REFERENCES = {  # space -> what its reference does, and what it is compared as
    **dict.fromkeys(("tiny", "mobile", "mobile_imagenet"), MOBILE),
    **dict.fromkeys(("edge", "edge_imagenet"), RESNET),
    "nasbench_macro": ("is its largest network", "the largest network"),
}
OTHER = ("is fixed with the space", "the space's hand-made reference")


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX. Raises ResultError."""
    run, table = setup(results), [block for block in read(results, Block) if not block.spec.startswith("Skip")]
    kinds = {re.split(r"\W", block.spec)[0] for block in table}
    blocks = sorted(kind for kind in kinds if not kind.endswith(FIXED))
    options = Counter(layer for layer, _ in {(block.layer, block.option) for block in table})
    stems = 1 + max(block.option for block in table if block.layer == 0)  # equal stems of two trunks are timed once
    kept = run.values.get("trunks", "").split()  # older results do not say
    trunks = stems if kept in ([], ["all"]) else len(kept)
    skips = trunks > 1 or run.number("space_size") > prod(options.values())  # skips are not timed
    skip = ", and a skip, which selects the depth; the skips of a stage come last" if skips else ""
    kind = INVERTED if blocks == ["MBConv"] else listed(KINDS.get(block, escape(block)) for block in blocks)
    does, name = REFERENCES.get(run.text("space"), OTHER)
    heatmap = "Shown are the options under the first trunk." if trunks > 1 else ""
    return {
        "SpaceBlocks": f"{kind}{skip}",
        "SpaceCounts": _counts(run, trunks, _set_by_trunks(table)) if trunks > 1 else _counts(run),
        "SpaceReference": does,
        "ReferenceName": name,
        "HeatmapSentence": heatmap,
    }


def _counts(run: Setup, trunks: int = 1, differing: Sequence[str] = ()) -> str:
    """A sentence on the numbers of layers and of networks; with several trunks, on what differs between them."""
    layers, size = run.number("layers"), f"{count(run.number('space_size'))} networks"
    if trunks == 1:
        return f"It has {count(layers)} layers and {size}."
    known = TRUNKS.get(run.text("space"))
    part = f" (of the space's {count(known)})" if known and known > trunks else ""
    differ = f"; the trunks differ in {listed(differing)}" if differing else ""
    return (
        f"It has {count(layers - 1)} such layers under one of {count(trunks)} trunks{part}{differ}. This makes {size}."
    )


def _set_by_trunks(table: Sequence[Block]) -> list[str]:
    """What differs between the trunks, by their stems and by the blocks before the classifier."""
    last = max(block.layer for block in table)
    stems, heads = ([(block.spec, _numbers(block.spec)) for block in table if block.layer == at] for at in (0, last))
    differing: dict[str, set[object]] = {
        "the resolution of the images": {stem.get("resolution") for _, stem in stems},
        "the width": {head.get("in_channels") for _, head in heads},
        "the stem": {(spec.partition("(")[0], stem.get("stride")) for spec, stem in stems},
    }
    return [name for name, values in differing.items() if len(values) > 1]


def _numbers(spec: str) -> dict[str, str]:
    """The fields in the text of a stem or a head: "Stem(in_channels=3, ..."."""
    return dict(re.findall(r"(\w+)=(\w+)", spec))
