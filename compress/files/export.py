"""The ONNX file of any torch network, such that its integer version runs on integers.

Our own networks are written from their specs instead, by `search_spaces.networks.onnx_writer`, at once.
"""

from __future__ import annotations

import copy
import logging
import warnings

import onnx
import torch
from onnx import numpy_helper
from torch import nn

from compress.files.compact import compact

OPSET = 20  # below 18 the exporter fails; from 14 on there is HardSwish


def export(model: nn.Module, shape: tuple[int, int, int]) -> bytes:
    """The fp32 ONNX file of a network, as it evaluates, for "image" [N, *shape]: batch norms are folded."""
    plain = copy.deepcopy(model).eval().to(memory_format=torch.contiguous_format)  # others leave strides in the file
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


def pool(graph: onnx.GraphProto) -> None:
    """Means over pixels become GlobalAveragePool, of which there is an integer kernel; of ReduceMean there is none."""
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
