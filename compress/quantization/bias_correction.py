"""Bias correction: rounding shifts the mean of every channel, and the bias compensates the shift.

Nagel et al. 2019, "Data-free quantization through weight equalization and bias correction", section 4.2, with images as
in appendix D (https://arxiv.org/abs/1906.04721): layer by layer, after the earlier layers are corrected, the expected
error of a layer's output before its activation is subtracted from its bias. The file's latency does not change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from compress.host_sessions import host_session
from compress.layers import WEIGHTED
from compress.quantization.calibration import BATCH, Ranges, image_pixels
from compress.quantization.quantize import quantized
from search_spaces.networks.resizing import resized_array


def quantize_corrected(
    model: bytes, ranges: Ranges, images: np.ndarray, float_layers: Collection[int] = (), reduce_range: bool = False
) -> bytes:
    """The INT8 file of `quantize_within`, with biases corrected on images [N, C, H, W] float32."""
    file, names = quantized(model, ranges, float_layers, reduce_range)
    return corrected(file, names, model, images)


def corrected(file: bytes, names: Sequence[str], model: bytes, images: np.ndarray) -> bytes:
    """An INT8 file, corrected so that its convolutions and linear layers have the fp32 file's mean outputs on images.

    `model` is the fp32 file; `names` are the names of these outputs in it, in the order of the INT8 file.
    """
    expected = means(model, names, images)
    proto = onnx.load_from_string(file)
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    for node, name in zip([node for node in proto.graph.node if node.op_type in WEIGHTED], names, strict=True):
        found = means(proto.SerializeToString(), node.output, images)[node.output[0]]
        weights, before = node.input[:2], (constants[name] for name in node.input[2:])
        bias = sum(before, (expected[name] - found).astype(np.float32))
        del node.input[:]
        node.input.extend([*weights, f"{node.output[0]}_bias"])  # layers may have shared a bias
        proto.graph.initializer.append(numpy_helper.from_array(bias, node.input[2]))
    used = {name for node in proto.graph.node for name in node.input}
    kept = [tensor for tensor in proto.graph.initializer if tensor.name in used]
    del proto.graph.initializer[:]
    proto.graph.initializer.extend(kept)
    return proto.SerializeToString(deterministic=True)


def means(model: bytes, names: Sequence[str], images: np.ndarray) -> Mapping[str, np.ndarray]:
    """The mean of each channel of tensors [N, channels, ...] over images and pixels, by tensor: [channels] float64."""
    sums = [np.zeros(())] * len(names)
    for batch in _computed(model, names, images):
        sums = [total + tensor.mean(tuple(range(2, tensor.ndim))).sum(0) for total, tensor in zip(sums, batch)]
    return {name: total / len(images) for name, total in zip(names, sums)}


def _computed(model: bytes, names: Sequence[str], images: np.ndarray) -> Iterator[list[np.ndarray]]:
    """Yields tensors of a file, including intermediate ones, in float64, for one batch of images at a time."""
    proto = onnx.load_from_string(model)
    del proto.graph.output[:]
    proto.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    session = host_session(proto.SerializeToString())
    for start in range(0, len(images), BATCH):
        answers = session.run(list(names), {"image": resized_array(images[start : start + BATCH], image_pixels(proto))})
        yield [np.asarray(answer, np.float64) for answer in answers]
