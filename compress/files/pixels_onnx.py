"""Normalisation inside an ONNX file: uint8 pixels [N, C, H, W] in, probabilities [N, classes] out."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def with_pixels(file: bytes, scale: np.ndarray, shift: np.ndarray) -> bytes:
    """A file of the same network whose first operators normalise and whose last one is softmax.

    Pixels are divided by `scale` [C], then `shift` [C] is subtracted, as `Images` does. Equal inputs give equal bytes.
    """
    model = onnx.load_from_string(file)
    graph = model.graph
    (image,), (output,) = graph.input, graph.output
    inner = {image.name: f"{image.name}.normalised", output.name: f"{output.name}.logits"}
    for node in graph.node:
        node.input[:] = [inner.get(name, name) for name in node.input]
        node.output[:] = [inner.get(name, name) for name in node.output]
    for name, values in ((f"{image.name}.scale", scale), (f"{image.name}.shift", shift)):
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float32).reshape(1, -1, 1, 1), name))
    names = [image.name, f"{image.name}.float", f"{image.name}.scaled", inner[image.name]]
    first = [
        helper.make_node("Cast", names[:1], names[1:2], name=names[1], to=TensorProto.FLOAT),
        helper.make_node("Div", [names[1], f"{image.name}.scale"], names[2:3], name=names[2]),
        helper.make_node("Sub", [names[2], f"{image.name}.shift"], names[3:], name=names[3]),
    ]
    last = helper.make_node("Softmax", [inner[output.name]], [output.name], name=f"{output.name}.softmax", axis=-1)
    nodes = [*first, *graph.node, last]
    del graph.node[:]
    graph.node.extend(nodes)
    image.type.tensor_type.elem_type = TensorProto.UINT8
    return model.SerializeToString(deterministic=True)


def takes_pixels(file: bytes) -> bool:
    (image,) = onnx.load_from_string(file).graph.input
    return bool(image.type.tensor_type.elem_type == TensorProto.UINT8)
