"""The cost of INT8 layer by layer, and which layers should stay in float.

Quantizes one layer at a time and keeps the rest in float32: the sensitivity analysis and the partial quantization of Wu
et al. 2020, "Integer quantization for deep learning inference: principles and empirical evaluation", section 5.1
(https://arxiv.org/abs/2004.09602). All files are written like the deployed one, with its ranges, bits and biases.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from compress.files.parity import agreement, file_logits
from compress.layers import layers_of

AGREEMENT = 0.99  # fraction of images whose prediction INT8 must keep
Write = Callable[[Collection[int]], bytes]  # layers to keep in float -> the INT8 file


@dataclass(frozen=True)
class Sensitivity:
    """The cost of quantizing one layer alone."""

    layer: int
    agreement: float  # fraction of images with fp32's prediction
    sqnr: float  # of the logits, dB: signal to quantization noise


def sensitivities(model: bytes, write: Write, images: np.ndarray, slower: Collection[int] = ()) -> list[Sensitivity]:
    """The sensitivities of an fp32 file's layers on images [N, C, H, W], the most sensitive (lowest SQNR) first.

    SQNR ranks better than agreement, which has steps of 1 / N. Layers that are `slower` in INT8 on the device stay in
    float anyway, and are omitted.
    """
    layers, fp32 = layers_of(model), file_logits(model, images)
    table = []
    for layer in (layer for layer in layers if layer not in slower):
        logits = file_logits(write([other for other in layers if other != layer]), images)
        table.append(Sensitivity(layer, agreement(fp32, logits), sqnr(fp32, logits)))
    return sorted(table, key=lambda row: row.sqnr)


def float_layers(
    model: bytes,
    write: Write,
    images: np.ndarray,
    table: Sequence[Sensitivity],
    slower: Collection[int] = (),
    least: float = AGREEMENT,
) -> tuple[int, ...]:
    """The layers to keep in float32: `slower`, then the most sensitive, until `least` of all predictions agree.

    `slower` are the layers that INT8 slows down on the device. All layers are returned if fewer are not enough.
    """
    kept = set(slower)
    fp32 = file_logits(model, images)
    for layer in [row.layer for row in table if row.layer not in kept]:
        if agreement(fp32, file_logits(write(kept), images)) >= least:
            break
        kept.add(layer)
    return tuple(sorted(kept))


def blame(agreed: float, table: Sequence[Sensitivity], least: float = AGREEMENT, named: int = 3) -> str:
    """Names the layers that most reduce INT8's agreement with fp32, as one line; empty if it is at least `least`."""
    if agreed >= least:
        return ""
    worst = ", ".join(f"{row.layer} (alone {100 * row.agreement:.4g} %, {row.sqnr:.3g} dB)" for row in table[:named])
    return (
        f"INT8 agrees with fp32 on {100 * agreed:.4g} % of images, below {100 * least:g} %; the layers that cost most: "
        f"{worst}"
    )


def sqnr(signal: np.ndarray, noisy: np.ndarray) -> float:
    """Signal-to-quantization-noise ratio in dB; infinite if nothing differs."""
    noise = np.square(noisy - signal, dtype=np.float64).sum()
    return float(10 * np.log10(np.square(signal, dtype=np.float64).sum() / noise)) if noise else float("inf")
