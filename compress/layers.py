"""The layers of an fp32 file, each of which can stay in float; used by sensitivity and timing.

In our own files, layers have the numbers of their specs. In other files, a layer is a convolution or a linear layer
with all nodes up to the next one, in the file's order.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import accumulate

import onnx

WEIGHTED = ("Conv", "Gemm")
OURS = re.compile(r"l(\d+)\.")  # the beginning of the writer's names


def layers_of(model: bytes) -> list[int]:
    """The numbers of the layers that compute."""
    return sorted({*layer_by_node(model).values()})


def nodes_of(model: bytes, layers: Collection[int]) -> list[str]:
    """The names of the layers' nodes."""
    return [node for node, layer in layer_by_node(model).items() if layer in layers]


def layer_by_node(model: bytes) -> dict[str, int]:
    """Layers by their nodes' first output, which in our files is the node's name; nodes of no layer are omitted."""
    nodes = onnx.load_from_string(model).graph.node
    ours = {node.output[0]: int(named[1]) for node in nodes if (named := OURS.match(node.name))}
    if ours:
        return ours
    counted = accumulate(node.op_type in WEIGHTED for node in nodes)
    return {node.output[0]: count - 1 for node, count in zip(nodes, counted) if count}
