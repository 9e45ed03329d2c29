"""An architecture as rows, one per layer, for the figure `paper/figures/architecture.py` and for a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from experiments.display.events import markdown
from paper.rows import Layer
from predictors.tables.table import LatencyTable
from search_spaces.layers import Spec

WIDEST = 24  # characters of the widest layer's bar


def layer_rows(specs: Sequence[Spec], table: LatencyTable, precision: str) -> list[dict[str, Any]]:
    """The rows of architecture.csv; each layer's seconds are the table's, in the context of a network."""
    layers = (
        Layer(
            layer=index,
            kind=type(spec).__name__,
            in_channels=spec.in_channels,
            hidden_channels=max((conv.out_channels for conv in spec.convs), default=spec.out_channels),
            out_channels=spec.out_channels,
            kernel=max((conv.kernel for conv in spec.convs), default=0),
            stride=max((conv.stride for conv in spec.convs), default=1),
            resolution=spec.resolution,
            precision=precision,
            seconds=table.seconds(spec, precision),
        )
        for index, spec in enumerate(specs)
    )
    return [asdict(layer) for layer in layers]


def text(layers: Sequence[Layer]) -> str:
    """The table for TensorBoard, with a bar for the channels of each layer's widest convolution."""
    most = max(layer.hidden_channels for layer in layers)
    return markdown(
        [
            {
                "layer": layer.layer,
                "block": layer.name,
                "channels": f"{layer.in_channels} → {layer.hidden_channels} → {layer.out_channels}",
                "pixels": layer.resolution,
                "stride": layer.stride,
                f"µs ({layer.precision})": f"{1e6 * layer.seconds:.1f}",
                "to scale": "█" * max(1, round(WIDEST * layer.hidden_channels / most)) if layer.kernel else "─",
            }
            for layer in layers
        ]
    )
