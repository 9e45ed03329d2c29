"""Tests that every interpreter of layers refuses an unknown kind of node."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import torch

from compress.pruning.units import tied
from compress.quantization.rounded_tensors import places
from compress.quantization.saturation import products
from search_spaces.costs import kept_activations, macs, parameters, peak_activations, weight_bytes
from search_spaces.errors import LutraError
from search_spaces.layers import MBConv, Pointwise, Spec
from search_spaces.layers.nodes import INPUT, Node, Shape
from search_spaces.layers.shapes import shapes
from search_spaces.networks import litert_writer
from search_spaces.networks.network import Layer
from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.networks.population import logits
from search_spaces.networks.supernet import Supernet
from search_spaces.space import SearchSpace
from tests.commands import ROOT


@dataclass(frozen=True)
class Unheard(Node):
    """A kind of node that no interpreter knows."""


@dataclass(frozen=True)
class Odd(Spec):
    """A layer with such a node after a convolution."""

    in_channels: int = 3
    out_channels: int = 3
    resolution: int = 4

    @property
    def shapes(self) -> dict[str, Shape]:  # so that each interpreter meets the node itself
        return dict.fromkeys((INPUT, "conv", "odd"), (3, 4, 4))

    def nodes(self) -> Iterator[Node]:
        yield dataclasses.replace(POINTWISE.convs[0], name="conv")
        yield Unheard("odd", ("conv",))


POINTWISE = Pointwise(3, 3, 1, 4)
X = torch.zeros(2, 3, 4, 4)


def odd_supernet(as_mixture: bool) -> None:
    supernet = Supernet(SearchSpace("odd", ((Odd(),),), (0,)))
    supernet(X, [torch.ones(1)] if as_mixture else (0,))


INTERPRETERS: dict[str, tuple[str, Callable[[], object]]] = {  # how it is run -> its file
    "the trained network": ("search_spaces/networks/network.py", lambda: Layer(Odd())(X)),
    "the sliced supernet": ("search_spaces/networks/shared_slices.py", lambda: odd_supernet(False)),
    "the mixed supernet": ("search_spaces/networks/supernet.py", lambda: odd_supernet(True)),
    "the population": (
        "search_spaces/networks/population.py",
        lambda: logits(Supernet(SearchSpace("odd", ((Odd(),),), (0,))), X, X, [(0,)]),
    ),
    "the ONNX writer": ("search_spaces/networks/onnx_writer.py", lambda: write([Odd()], random_weights([Odd()]))),
    "the LiteRT writer": (
        "search_spaces/networks/litert_writer.py",
        lambda: litert_writer.write([Odd()], random_weights([Odd()])),
    ),
    "fake quantization": ("compress/quantization/rounded_tensors.py", lambda: places([Odd()])),
    "the emulation of saturation": (
        "compress/quantization/saturation.py",
        lambda: products(write([POINTWISE], random_weights([POINTWISE])), [Odd()]),
    ),
    "structured pruning": ("compress/pruning/units.py", lambda: tied(OddPrunable())),
    "the shape interpreter": ("search_spaces/layers/shapes.py", lambda: shapes(Odd().graph, (3, 4, 4))),
    "the counter of multiply-accumulates": ("search_spaces/costs/macs.py", lambda: macs([Odd()])),
    "the counter of parameters": ("search_spaces/costs/parameters.py", lambda: parameters([Odd()])),
    "the counter of weight bytes": ("search_spaces/costs/weight_bytes.py", lambda: weight_bytes([Odd()], "int8")),
    "the counter of kept activations": ("search_spaces/costs/activations.py", lambda: kept_activations([Odd()])),
    "the counter of live activations": ("search_spaces/costs/activations.py", lambda: peak_activations([Odd()])),
}


class OddPrunable(Odd):
    prunable = dataclasses.replace(MBConv.prunable, producers=("conv",), gate="conv")


@pytest.mark.parametrize("name", INTERPRETERS)
def test_an_unknown_kind_of_node_is_refused_by_name(name: str) -> None:
    with pytest.raises(LutraError, match=f"^{name} .*Unheard"):
        INTERPRETERS[name][1]()


def test_every_interpreter_is_among_those() -> None:
    """The list has every file of the tree with rules for kinds of node."""
    folders = ("search_spaces", "predictors", "strategies", "compress", "experiments", "paper")
    sources = {path: path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.py")}
    ruled = {path.relative_to(ROOT).as_posix() for path, text in sources.items() if "Rules[" in text}
    assert ruled - set(NOT_ALONE) == {file for file, _ in INTERPRETERS.values()}


NOT_ALONE = {  # rules that only these interpreters use
    "search_spaces/layers/graph.py": "the type",
    "search_spaces/costs/totals.py": "sums",
    "search_spaces/networks/arithmetic.py": "what all torch interpreters share",
    "search_spaces/networks/elastic.py": "where a weighted node's weight lies in a larger one's",
    "compress/quantization/qat.py": "rounds what rounded_tensors says",
}
