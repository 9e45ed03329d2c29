"""Tests the drawing of an architecture: to scale, with a name for each layer."""

from __future__ import annotations

import pytest

from experiments.display.architecture import layer_rows, text
from paper.figures import architecture
from paper.rows import Layer
from search_spaces.layers import Head, MBConv, Skip, Spec, Stem
from search_spaces.space import SearchSpace
from search_spaces.spaces.mobile import mobile
from search_spaces.spaces.tiny import tiny
from tests.search_spaces.layers.examples import COMPUTING, around


class Board:
    """A latency table where every layer takes 1 us per convolution."""

    def seconds(self, spec: Spec, precision: str) -> float:
        return 1e-6 * len(spec.convs)


def layers(specs: list[Spec]) -> list[Layer]:
    return [Layer(**row) for row in layer_rows(specs, Board(), "int8")]  # type: ignore[arg-type]


@pytest.mark.parametrize("space", [tiny(1, 16, 10), mobile(3, 32, 10)], ids=lambda space: space.name)
@pytest.mark.parametrize("which", ["smallest", "largest"])
def test_an_architecture_is_drawn_to_scale(space: SearchSpace, which: str) -> None:
    specs = space.decode(getattr(space, which))
    drawn = architecture.plot(layers(specs))
    above, below = drawn.axes[:2]
    heights = [shape.get_datalim(above.transData).height for shape in above.collections]
    widest = [max(conv.out_channels for conv in spec.convs) for spec in specs if spec.convs]
    assert heights == pytest.approx(widest)
    assert [bar.get_height() for bar in below.patches] == pytest.approx([len(s.convs) for s in specs if s.convs])


def test_a_layer_is_named_by_kernel_and_expand_ratio() -> None:
    stem, block, skip, head = layers(
        [Stem(3, 16, 1, 32), MBConv(16, 60, 24, 5, 2, 32), Skip(24, 16), Head(24, 128, 10, 16)]
    )
    assert [layer.name for layer in (stem, block, skip, head)] == ["stem", "k5 e3.8", "skip", "head"]
    assert [layer.kernel for layer in (stem, block, skip, head)] == [3, 5, 0, 1]
    table = text([stem, block, skip, head]).splitlines()
    assert table[0] == "| layer | block | channels | pixels | stride | µs (int8) | to scale |"
    assert table[3] == "| 1 | k5 e3.8 | 16 → 60 → 24 | 32 | 2 | 3.0 | ███████████ |"


@pytest.mark.parametrize("spec", COMPUTING, ids=str)
def test_layers_of_every_kind_are_drawn_and_told_apart(spec: Spec) -> None:
    drawn = layers(around(spec))
    assert len(text(drawn).splitlines()) == 2 + len(drawn)
    assert len(architecture.plot(drawn).axes[0].collections) == len(drawn)
    plain = layers([MBConv(16, 32, 16, 5, 1, 6)])[0].name
    assert type(spec).__name__ == "MBConv" or drawn[1].name != plain
