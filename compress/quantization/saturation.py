"""Checks whether INT8 results differ on an x86 CPU without VNNI, by emulating the instruction that differs.

There, products of unsigned and signed bytes use `vpmaddubsw`: two neighbours along the reduction are multiplied, and
their sum saturates at 16 bits, whereas VNNI and aarch64 add in 32 bits. Neighbours are the channels of a pixel, tap
after tap, or the classifier's features. Depthwise convolutions are not affected: their kernel widens before it
multiplies (onnxruntime, core/mlas/lib/x86_64/ConvSymKernelAvx2.S, which has both). With 7-bit weights (`reduce_range`)
no sum exceeds 16 bits: 255 * 64 * 2 = 32640. The alternative is a slower session, `session.x64quantprecision`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from compress.host_sessions import host_session
from compress.quantization.calibration import image_pixels
from search_spaces.layers import Spec, nodes
from search_spaces.layers.graph import Rules, rule_of
from search_spaces.networks.resizing import resized_array

LARGEST, SMALLEST = 32767, -32768  # in 16 bits
BYTE = 255  # the largest activation


@dataclass(frozen=True)
class Product:
    """An integer matrix product: a convolution that is not depthwise, or the classifier."""

    layer: int
    activation: str  # the tensor of unsigned bytes
    border: int  # its zero point, with which convolutions are padded
    weights: np.ndarray  # int8 [outputs, channels, k, k], or [outputs, features]
    stride: int

    @property
    def pairs(self) -> np.ndarray:
        """Neighbouring weights [outputs, ceil(K / 2), 2] int32, taps before channels."""
        wide = np.moveaxis(self.weights, 1, -1).reshape(len(self.weights), -1)
        return _even(wide.astype(np.int32)).reshape(len(wide), -1, 2)

    def may_saturate(self) -> np.ndarray:
        """Which pairs [outputs, ceil(K / 2)] exceed 16 bits for some activations."""
        highest = BYTE * np.maximum(self.pairs, 0).sum(-1)
        lowest = BYTE * np.minimum(self.pairs, 0).sum(-1)
        return (highest > LARGEST) | (lowest < SMALLEST)

    def columns(self, activation: np.ndarray) -> np.ndarray:
        """The inputs of the pairs: [rows, ceil(K / 2), 2] int32 from the uint8 activation."""
        if self.weights.ndim == 4:
            kernel = self.weights.shape[2]
            pixels = (nodes.border(kernel),) * 2
            padded = np.pad(activation, [(0, 0), (0, 0), pixels, pixels], constant_values=self.border)
            windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), (2, 3))
            windows = windows[:, :, :: self.stride, :: self.stride]
            activation = windows.transpose(0, 2, 3, 4, 5, 1).reshape(-1, self.weights[0].size)
        return _even(activation.astype(np.int32)).reshape(len(activation), -1, 2)

    def saturated(self, activation: np.ndarray) -> float:
        """The fraction of pair sums that exceed 16 bits."""
        columns, pairs, risky = self.columns(activation), self.pairs, self.may_saturate()
        beyond = 0
        for index in np.flatnonzero(risky.any(0)):
            sums = columns[:, index] @ pairs[risky[:, index], index].T
            beyond += int(np.count_nonzero((sums > LARGEST) | (sums < SMALLEST)))
        return beyond / (len(columns) * risky.size)


def saturation(model: bytes, specs: Sequence[Spec], images: np.ndarray) -> dict[int, float]:
    """The largest fraction of pair sums that exceed 16 bits, for each layer of an INT8 file, on images [N, C, H, W].

    `specs`: those from which the file was written. Layers without integer matrix products are omitted.
    """
    found = products(model, specs)
    seen = _activations(model, [product.activation for product in found], images)
    shares: dict[int, float] = {}
    for product in found:
        share = product.saturated(seen[product.activation])
        shares[product.layer] = max(share, shares.get(product.layer, 0.0))
    return shares


def warning(shares: Mapping[int, float]) -> str:
    """A warning about the layers that saturate; empty if there are none."""
    found = {layer: share for layer, share in shares.items() if share > 0}
    if not found:
        return ""
    layers = ", ".join(f"{layer} ({100 * share:.2g} %)" for layer, share in sorted(found.items()))
    return (
        f"on an x86 CPU without VNNI, sums of INT8 products saturate in layers {layers}, "
        "so results there will differ; add compress.quantize.reduce_range=true"
    )


def products(model: bytes, specs: Sequence[Spec]) -> list[Product]:
    """The integer matrix products of an INT8 file, in the order of the specs."""
    graph = onnx.load_from_string(model).graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    dequantized = {node.output[0]: node.input for node in graph.node if node.op_type == "DequantizeLinear"}
    layers = [layer for layer, spec in enumerate(specs) for _ in range(_weighted(spec))]
    found = []
    weighted = [node for node in graph.node if node.op_type in ("Conv", "Gemm")]
    for layer, node in zip(layers, weighted, strict=True):
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        if node.input[1] not in dequantized or attributes.get("group", 1) > 1:
            continue
        value, _, zero_point = dequantized[node.input[0]]
        stride = attributes.get("strides", [1])[0]
        weights = constants[dequantized[node.input[1]][0]]
        found.append(Product(layer, value, int(constants[zero_point]), weights, stride))
    return found


def _weighted(spec: Spec) -> int:
    """The number of a layer's Conv and Gemm nodes in the file."""
    return sum(rule_of(WEIGHTED, node, "the emulation of saturation")(node) for node in spec.graph.nodes)


# Products of two activations use unsigned bytes only, which every CPU adds in 32 bits.
WEIGHTED: Rules[bool] = {
    **dict.fromkeys((nodes.Convolution, nodes.Linear), lambda node: True),
    **dict.fromkeys(
        (
            nodes.Sum,
            nodes.Product,
            nodes.Scale,
            nodes.Pool,
            nodes.Flatten,
            nodes.Reshape,
            nodes.Transpose,
            nodes.MatMul,
            nodes.Softmax,
        ),
        lambda node: False,
    ),
}


def _activations(model: bytes, names: Sequence[str], images: np.ndarray) -> dict[str, np.ndarray]:
    """Intermediate tensors of an INT8 file, as computed on this machine."""
    proto = onnx.load_from_string(model)
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return {}
    proto.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.UINT8, None) for name in wanted)
    session = host_session(proto.SerializeToString())
    return dict(zip(wanted, session.run(wanted, {"image": resized_array(images, image_pixels(proto))})))


def _even(matrix: np.ndarray) -> np.ndarray:
    """[rows, K], with a column of zeros appended if K is odd."""
    return np.pad(matrix, ((0, 0), (0, matrix.shape[1] % 2)))
