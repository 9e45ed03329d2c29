"""Words on the space: the kinds of its blocks, from table.csv, and its hand-made reference."""

from __future__ import annotations

import re
from collections import Counter
from math import prod
from pathlib import Path

from paper.comparison import listed
from paper.latex import escape
from paper.rows import Block, read
from paper.setup_file import setup

INVERTED = r"inverted residual blocks~\cite{sandler2018mobilenetv2} with several kernel sizes and expand ratios"
FIXED = ("Stem", "Head")  # kinds of layers that every space has
MOBILE = (
    r"makes MobileNetV2's choice everywhere: $3\times3$ kernels, the largest expand ratio, full depth",
    "MobileNetV2's choices",
)
REFERENCES = {  # space -> what its reference does, and what it is compared as
    **dict.fromkeys(("tiny", "mobile", "mobile_imagenet"), MOBILE),
    "edge": ("is a ResNet: residual blocks throughout, at full depth", "a ResNet of the same space"),
    "nasbench_macro": ("is its largest network", "the largest network"),
}
OTHER = ("is fixed with the space", "the space's hand-made reference")


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX. Raises ResultError."""
    run, table = setup(results), [block for block in read(results, Block) if not block.spec.startswith("Skip")]
    blocks = sorted({re.split(r"\W", block.spec)[0] for block in table} - {*FIXED})
    options = Counter(layer for layer, _ in {(block.layer, block.option) for block in table})
    skips = run.number("space_size") > prod(options.values())  # skips are not timed
    skip = ", and a skip, which selects the depth; the skips of a stage come last" if skips else ""
    kind = INVERTED if blocks == ["MBConv"] else f"blocks of the kinds {listed(map(escape, blocks))}"
    does, name = REFERENCES.get(run.text("space"), OTHER)
    return {"SpaceBlocks": f"{kind}{skip}", "SpaceReference": does, "ReferenceName": name}
