"""Which values of a layer's graph the INT8 file rounds, and their names in the file. Imports no torch.

onnxruntime rounds the results of integer kernels. ReLU6 is part of the convolution's rounding; a flattened, reshaped or
transposed value keeps the bytes of its source; a hard sigmoid has no integer kernel, so both its input and its output
are rounded.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from search_spaces.layers import Spec
from search_spaces.layers.graph import Graph, Rules, rule_of
from search_spaces.layers.nodes import (
    INPUT,
    Convolution,
    Flatten,
    Linear,
    MatMul,
    Node,
    Pool,
    Product,
    Reshape,
    Scale,
    Softmax,
    Sum,
    Transpose,
)


def tensors(graph: Graph, node: Node) -> list[str]:
    """The rounded tensors that a node adds to the file, in order, by the writer's names without the layer."""
    return rule_of(TENSORS, node, "fake quantization")(node, graph.labels[node.name])


def _convolution(node: Convolution, label: str) -> list[str]:
    return {
        None: [label],
        "relu6": [f"{label}.relu6"],
        "hard_sigmoid": [label, f"{label}.hard_sigmoid"],
    }[node.activation]


TENSORS: Rules[list[str]] = {
    Convolution: _convolution,
    **dict.fromkeys((Linear, Sum, Product, Scale, Pool, MatMul, Softmax), lambda node, label: [label]),
    **dict.fromkeys((Flatten, Reshape, Transpose), lambda node, label: []),
}


def places(specs: Sequence[Spec], float_layers: Collection[int] = ()) -> dict[str, int]:
    """The rounded tensors of a network's file, numbered: those that an INT8 layer reads or writes."""
    computing = [index for index, spec in enumerate(specs) if spec.graph.nodes]
    integer = [index not in float_layers for index in computing]
    names = ["image"] if integer[0] else []
    for index, here, after in zip(computing, integer, [*integer[1:], False]):
        graph = specs[index].graph
        *inside, output = (f"l{index}.{tensor}" for node in graph.nodes for tensor in tensors(graph, node))
        names += inside if here else []
        names += [output] if here or after else []
    return {name: number for number, name in enumerate(names)}


def twins(specs: Sequence[Spec]) -> dict[str, str]:
    """Tensors that are not rounded themselves -> the rounded tensor with the same range.

    Before a ReLU6, a convolution's tensor has its output's range; a tensor that only moves bytes has its source's.
    """
    found: dict[str, str] = {}
    value = "image"  # the rounded tensor of the layer's input
    for index, spec in enumerate(specs):
        rounded = {INPUT: value}
        for node in spec.graph.nodes:
            own = [f"l{index}.{tensor}" for tensor in tensors(spec.graph, node)]
            rounded[node.name] = own[-1] if own else rounded[node.inputs[0]]
            label = f"l{index}.{spec.graph.labels[node.name]}"
            if label not in own:
                found[label] = rounded[node.name]
        value = rounded[spec.graph.output]
    return found


def fixed_ranges(specs: Sequence[Spec]) -> dict[str, tuple[float, float]]:
    """Tensors whose range onnxruntime does not take from calibration."""
    return {
        f"l{index}.{spec.graph.labels[node.name]}": (0.0, 1.0)
        for index, spec in enumerate(specs)
        for node in spec.graph.nodes
        if isinstance(node, Softmax)
    }
