"""The record of a quantization: the file's agreement with its network, and the layers that stay in float."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from experiments.store import artefacts
from experiments.store.json_records import read_record, typed
from experiments.store.provenance import FASTER_IN_FLOAT
from search_spaces.documents import read_json
from search_spaces.errors import LutraError

ANSWERS = "int8.json"


@dataclass(frozen=True)
class InFloat:
    """A layer of an INT8 file that stays in float, by its number in the file.

    If the reason is time: the file's latency with the layer in INT8 and in float.
    """

    layer: int
    why: str  # time, accuracy
    int8_s: float | None = None
    float_s: float | None = None

    @property
    def ratio(self) -> float | None:
        """The file's time with the layer in float, relative to its time with the layer in INT8; None if not timed."""
        return None if self.int8_s is None or self.float_s is None else self.float_s / self.int8_s

    def line(self, number: int) -> str:
        """The reason formatted for people; `number` is the layer's number in its space."""
        if self.int8_s is None or self.float_s is None:
            return f"layer {number} stays in float for better {self.why}"
        saved = f"{1e6 * self.float_s:.1f} us instead of {1e6 * self.int8_s:.1f} us"
        return f"layer {number} stays in float to save {self.why}: the file takes {saved}"


@dataclass(frozen=True)
class Answers:
    """The report on the deployed file. Agreement and saturation are fractions."""

    precision: str
    images: int  # validation images used
    agreement: float  # fraction of images with the same prediction as fp32
    blame: str  # the layers that reduce it most, if it is below 99 %
    saturation: dict[str, float] | None  # by layer, the fraction of sums that saturate on some CPUs; None: unknown
    warning: str
    in_float: Sequence[InFloat] = ()
    numbers: Sequence[int] = ()  # the file's layers, as numbered in the space; empty for a network outside a space
    floats: Sequence[str] = field(default_factory=list)  # kinds of operators that compute in float
    others: Mapping[str, float] = field(default_factory=dict)  # runtime -> largest difference of its INT8 file's logits

    def number(self, layer: int) -> int:
        """The number in the space of a layer of the file."""
        return self.numbers[layer] if self.numbers else layer

    @property
    def float_layers(self) -> list[int]:
        """The numbers in the space of the layers in float."""
        return [self.number(one.layer) for one in self.in_float]

    @property
    def untimed_float_layers(self) -> list[int]:
        """Those of them that were not timed, such as layers chosen for accuracy."""
        return [self.number(one.layer) for one in self.in_float if one.ratio is None]

    @property
    def saturating(self) -> int | None:
        """The number of saturating layers."""
        return None if self.saturation is None else sum(share > 0 for share in self.saturation.values())

    def lines(self) -> list[str]:
        """The report formatted for people; always includes the agreement."""
        fraction = f"{100 * self.agreement:.4g} % of {self.images} validation images"
        first = f"{self.precision.upper()} agrees with fp32 on {fraction}"
        floating = [one.line(self.number(one.layer)) for one in self.in_float]
        kinds = ", ".join(f"{kind} x{count}" for kind, count in Counter(self.floats).items())
        floats = f"computes in float: {kinds}" if self.floats else ""
        others = [
            f"a file for {runtime} with the same ranges: logits differ by at most {100 * off:.2g} % of the largest one"
            for runtime, off in self.others.items()
        ]
        return [line for line in (first, *floating, floats, *others, self.blame, self.warning) if line]


def faster(inputs: Mapping[str, Path]) -> list[InFloat]:
    """The layers that the device computes faster in float, if they were measured."""
    found = read_json(inputs[FASTER_IN_FLOAT], "list of layers", list) if FASTER_IN_FLOAT in inputs else []
    layers = typed(list[dict[str, Any]], found, inputs.get(FASTER_IN_FLOAT))
    return typed(list[InFloat], [{"why": "time", **layer} for layer in layers], inputs.get(FASTER_IN_FLOAT))


def save(folder: Path, answers: Answers) -> None:
    artefacts.write(folder / ANSWERS, json.dumps(asdict(answers), indent=1) + "\n")


def load(folder: Path) -> Answers:
    """Reads the report. Raises LutraError if the folder does not come from a quantization."""
    if not (folder / ANSWERS).exists():
        raise LutraError(f"{folder} has no {ANSWERS}: compress.stages must end with quantize")
    return read_record(folder / ANSWERS, Answers, "record of a quantization")
