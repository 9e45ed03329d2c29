"""The latency table of one board, with the raw samples that it was computed from. Imports no torch.

A table carries its device's fingerprint, and is refused for another device, runtime, thread count or space. A layer
that was not measured is an error, never zero. A Skip takes zero seconds, because it computes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from predictors.board.fingerprint import OF_SPACE, deciding, runtime_of
from predictors.models.layer_costs import AdditiveCost
from predictors.tables.correction import Correction
from predictors.timing.rounds import Round, Value, summarize
from predictors.timing.verdict import Verdict
from search_spaces.errors import LutraError
from search_spaces.layers import Skip, Spec
from search_spaces.space import Arch, SearchSpace


@dataclass(frozen=True)
class Timed:
    """A timed network, and the name of its file in the rounds."""

    name: str
    specs: tuple[Spec, ...]
    precision: str
    sha256: str  # of the ONNX file


@dataclass(frozen=True)
class NetworkRow:
    """A whole network's seconds: the sum of its blocks, the leave-one-out prediction, and the measured latency."""

    arch: Arch
    precision: str
    naive: float
    held_out: float
    measured: float


@dataclass(frozen=True)
class LatencyTable:
    """`rows[precision, spec]`: a block's seconds; `corrections[precision]`: from blocks to networks.

    `rounds` holds every raw sample, including rejected ones; all other numbers are computed from them.
    """

    space: str
    layers: tuple[tuple[Spec, ...], ...]
    reference: Arch
    passport: Mapping[str, Any]
    protocol: Mapping[str, Any]
    verdict: Verdict
    corrections: Mapping[str, Correction]
    rows: Mapping[tuple[str, Spec], Value]
    networks: tuple[NetworkRow, ...]
    timed: tuple[Timed, ...]
    rounds: tuple[Round, ...]

    def predictor(self, space: SearchSpace, precision: str) -> AdditiveCost:
        """The additive latency model of a space. Raises LutraError for a layer that was not measured."""
        correction, sums = self.corrections[precision], self.sums(space, precision)
        computes = np.array(
            [[spec is not None and not isinstance(spec, Skip) for spec in row] for row in _padded(space)]
        )
        each = sums.values + np.where(computes, correction.layer / correction.slope, 0)
        return AdditiveCost(each, correction.intercept, correction.slope, trunks=space.trunks)

    def sums(self, space: SearchSpace, precision: str) -> AdditiveCost:
        """The sum of blocks without the correction. Raises LutraError for a layer that was not measured."""
        return AdditiveCost(
            np.array(
                [[np.nan if spec is None else self.seconds(spec, precision) for spec in row] for row in _padded(space)]
            ),
            trunks=space.trunks,
        )

    def seconds(self, spec: Spec, precision: str) -> float:
        """A layer's seconds within a network; zero for Skip only."""
        if isinstance(spec, Skip):
            return 0.0
        if (precision, spec) not in self.rows:
            known = sum(key == precision for key, _ in self.rows)
            raise LutraError(
                f"{spec} was never measured in {precision} on {self.device!r} ({known} layers were); "
                f"measure it: python -m experiments.measure space={self.space}"
            )
        return self.rows[precision, spec].seconds

    def covers(self, specs: Sequence[Spec], precision: str, in_float: Collection[int] = ()) -> bool:
        """Whether every layer of a network was measured."""
        return all(
            isinstance(spec, Skip) or (kind, spec) in self.rows for kind, spec in _kinds(specs, precision, in_float)
        )

    def latency(self, specs: Sequence[Spec], precision: str, in_float: Collection[int] = ()) -> float:
        """A network's predicted seconds; all of its layers must be in the table.

        Layers `in_float` count as fp32; their conversions are not in a table, so they cost nothing here.
        """
        naive = np.asarray(sum(self.seconds(spec, kind) for kind, spec in _kinds(specs, precision, in_float)))
        return float(self.corrections[precision](naive, sum(not isinstance(spec, Skip) for spec in specs)))

    def timed_seconds(self) -> dict[str, float]:
        """The seconds of every timed file, by its sha256."""
        values = summarize(self.rounds)
        return {item.sha256: values[item.name].seconds for item in self.timed}

    @property
    def device(self) -> str:
        return str(self.passport.get("model") or self.passport.get("cpu"))

    def slower_in_int8(self) -> list[tuple[Spec, Value, Value]]:
        """Layers whose INT8 interval lies above their fp32 interval on this board, with both values (fp32, INT8)."""
        pairs = [(spec, self.rows["fp32", spec], value) for (kind, spec), value in self.rows.items() if kind == "int8"]
        return [(spec, fp32, int8) for spec, fp32, int8 in pairs if int8.low > fp32.high]

    def require(
        self,
        passport: Mapping[str, Any],
        ignore: Iterable[str] = (),
        space: SearchSpace | None = None,
        precision: str | None = None,
    ) -> None:
        """Raises LutraError if the table is for another device, runtime, thread count, space or precision."""
        then, here = runtime_of(self.passport), runtime_of(passport)
        if then != here:
            raise LutraError(
                f"the table is for runtime={then}, not {here}: measure one, python -m experiments.measure "
                f"runtime={here}, or add runtime={then}"
            )
        found = [(key, self.passport.get(key), passport.get(key), "device") for key in deciding(passport)]
        if space is not None:
            found += [(*one, "space") for one in differences(self.layers, space.layers)]
        differing = [one for one in found if one[1] != one[2]]
        pairs = [
            f"{key}: the table has {then!s}, this {what} has {here!s}"
            for key, then, here, what in differing
            if key not in {*ignore}
        ]
        if pairs:
            same_space = all(what == "device" for *_, what in differing)
            anyway = f"to use it anyway: ignore=[{','.join(one[0] for one in differing)}]"
            raise LutraError(
                f"the table is for another device or space: {', '.join(pairs)}; measure one here: python -m "
                f"experiments.measure{f'; {anyway}' if same_space else ' with the same settings'}"
            )
        if precision is not None and precision not in self.corrections:
            raise LutraError(
                f"the table holds {', '.join(self.corrections)}, not {precision}; measure one for {precision}"
            )


def _kinds(specs: Sequence[Spec], precision: str, in_float: Collection[int]) -> Iterator[tuple[str, Spec]]:
    """Each layer with its precision."""
    return ((("fp32" if layer in in_float else precision), spec) for layer, spec in enumerate(specs))


def _padded(space: SearchSpace) -> list[list[Spec | None]]:
    """[layers, most options, of all trunks]: None where a layer has fewer options."""
    most = max(map(len, space.layers))
    return [[*options, *[None] * (most - len(options))] for options in space.layers]


def differences(then: Sequence[Sequence[Spec]], here: Sequence[Sequence[Spec]]) -> list[tuple[str, object, object]]:
    """Facts of two spaces that must be equal; compares layers only if images and classes are equal."""
    facts: list[tuple[str, object, object]] = list(zip(OF_SPACE, _facts(then), _facts(here)))
    if any(value != other for _, value, other in facts):
        return facts
    if len(then) != len(here):
        return [*facts, ("layers", len(then), len(here))]
    for number, (options, others) in enumerate(zip(then, here)):
        if tuple(options) != tuple(others):
            strange = next((str(spec) for spec in others if spec not in options), f"{len(others)} options")
            return [*facts, ("layers", f"layer {number}: {', '.join(map(str, options))}", f"with {strange}")]
    return facts


def _facts(layers: Sequence[Sequence[Spec]]) -> tuple[int, int, int]:
    """Image channels, image resolution, classes."""
    return layers[0][0].in_channels, layers[0][0].resolution, layers[-1][0].out_channels
