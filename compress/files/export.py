"""Exports any torch network to ONNX in a form whose quantized version runs on integers.

Our own networks are written directly from their specs, by `search_spaces.networks.onnx_writer`.
"""

from __future__ import annotations

import copy
import logging
import warnings
from itertools import pairwise

import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from compress.files.compact import compact

OPSET = 20  # the exporter fails below 18; HardSwish needs 14


def export(model: nn.Module, shape: tuple[int, int, int]) -> bytes:
    """The fp32 ONNX file of a network in eval mode, for "image" [N, *shape]: batch norms are folded."""
    plain = (
        copy.deepcopy(model).eval().to(memory_format=torch.contiguous_format)
    )  # other formats put strides in the file
    for module in plain.modules():  # the exporter takes twice as long for activations in place, and writes the same
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]
    fold(plain)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            plain,
            (torch.zeros(2, *shape),),
            dynamo=True,
            external_data=False,
            opset_version=OPSET,
            input_names=["image"],
            output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            verbose=False,
        )
    assert program is not None
    proto = program.model_proto
    assert [(opset.domain, opset.version) for opset in proto.opset_import] == [("", OPSET)]
    pool(proto.graph)
    return compact(proto.SerializeToString())


def fold(model: nn.Module) -> None:
    """Folds batch norms into the convolutions right before them: the exporter takes long for each layer."""
    for module in [*model.modules()]:
        for (name, conv), (next_name, norm) in pairwise([*module.named_children()]):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                folded = fuse_conv_bn_eval(conv, norm)
                folded.__class__ = nn.Conv2d  # `search_spaces.networks.convolution.Conv2d` has no bias
                setattr(module, name, folded)
                setattr(module, next_name, nn.Identity())


def pool(graph: onnx.GraphProto) -> None:
    """Replaces means over pixels by GlobalAveragePool, which, unlike ReduceMean, has an integer kernel."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        if node.op_type == "ReduceMean" and sorted(constants[node.input[1]].tolist()) in ([-2, -1], [2, 3]):
            kept = all(attribute.i for attribute in node.attribute if attribute.name == "keepdims")
            pooled = node.output[0] if kept else f"{node.output[0]}_pooled"
            nodes.append(onnx.helper.make_node("GlobalAveragePool", node.input[:1], [pooled]))
            if not kept:
                nodes.append(onnx.helper.make_node("Flatten", [pooled], node.output))
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
