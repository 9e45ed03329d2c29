"""Words on the space: the kinds of its blocks, from table.csv, and its hand-made reference."""

from __future__ import annotations

import re
from collections import Counter
from math import prod
from pathlib import Path

from paper.latex import escape, listed
from paper.rows import Block, read
from paper.setup_file import setup

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
    trunks = 1 + max(block.option for block in table if block.layer == 0)  # equal stems of two trunks are timed once
    skips = trunks > 1 or run.number("space_size") > prod(options.values())  # skips are not timed
    skip = ", and a skip, which selects the depth; the skips of a stage come last" if skips else ""
    kind = INVERTED if blocks == ["MBConv"] else listed(KINDS.get(block, escape(block)) for block in blocks)
    under = f"; one of {trunks} trunks sets the resolution of the images, the width and the stem" if trunks > 1 else ""
    does, name = REFERENCES.get(run.text("space"), OTHER)
    heatmap = "Shown are the options under the first trunk." if trunks > 1 else "Stem and head have a single option."
    return {
        "SpaceBlocks": f"{kind}{skip}{under}",
        "SpaceReference": does,
        "ReferenceName": name,
        "HeatmapSentence": heatmap,
    }
