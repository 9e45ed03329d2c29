"""How well a quantized file agrees with its fp32 network, here and on CPUs that saturate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from compress.files.parity import agreement, file_logits
from compress.quantization.saturation import saturation, warning
from compress.quantization.sensitivity import Sensitivity, blame
from compress.runtimes import runtime_of_file
from experiments.stages.int8_record import Answers, InFloat
from search_spaces.layers import Spec
from search_spaces.networks.evaluation import Images


def compared(
    precision: str,
    fp32: bytes,
    file: bytes,
    images: np.ndarray | Images,
    table: Sequence[Sensitivity] = (),
    in_float: Sequence[InFloat] = (),
    numbers: Sequence[int] = (),
) -> Answers:
    """Compares predictions on images [N, C, H, W]. `table`: the cost of each INT8 layer, highest first."""
    if numbers:
        table = [replace(row, layer=numbers[row.layer]) for row in table]
    agreed = agreement(file_logits(fp32, images), file_logits(file, images))
    return Answers(precision, len(images), agreed, blame(agreed, table) if table else "", None, "", in_float, numbers)


def saturated(answers: Answers, file: bytes, specs: Sequence[Spec], images: np.ndarray) -> Answers:
    """Adds the layers of an INT8 file that saturate on a few images [N, C, H, W]."""
    shares = {answers.number(layer): share for layer, share in saturation(file, specs, images).items()}
    return replace(answers, saturation={str(layer): share for layer, share in shares.items()}, warning=warning(shares))


def with_other_runtimes(answers: Answers, file: bytes, others: Mapping[str, bytes], images: np.ndarray) -> Answers:
    """Adds the operators that compute in float, and how much the files for other runtimes differ on images."""
    own = file_logits(file, images)
    largest = max(1.0, float(np.abs(own).max()))
    off = {name: float(np.abs(file_logits(other, images) - own).max()) / largest for name, other in others.items()}
    return replace(answers, floats=runtime_of_file(file).float_operators(file), others=off)
