"""What a runtime's file of a network is written from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search_spaces.layers import Spec
from search_spaces.networks.network import Network
from search_spaces.networks.onnx_writer import Folded, write


@dataclass(frozen=True)
class Source:
    """The fp32 ONNX file of a network, and, for our own networks, its layers and folded weights."""

    onnx: bytes
    specs: Sequence[Spec] = ()
    weights: Sequence[Folded] = ()

    @staticmethod
    def of(network: Network) -> Source:
        return Source.with_weights(network.specs, network.folded())

    @staticmethod
    def with_weights(specs: Sequence[Spec], weights: Sequence[Folded]) -> Source:
        return Source(write(specs, weights), specs, weights)
