"""The latency table: one file, of one board, with the raw samples that its values come from. No torch here.

A table has a passport, and is refused for another device, runtime, thread count, space or schema; an unmeasured layer
is an error, never zero; a Skip is zero by construction, as nothing is computed.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from predictors.additive import AdditiveLatency
from predictors.correction import Correction
from predictors.rounds import Value
from search_spaces.errors import LutraError
from search_spaces.space import SearchSpace
from search_spaces.spec import Skip, Spec, from_json, to_json

SCHEMA = "lutra/latency-table/1"
PRECISIONS = ("fp32", "int8")
# A kernel update or another Python does not change what onnxruntime computes; these keys do.
DECIDING = ("model", "cpu", "machine", "cores", "onnxruntime", "threads")


@dataclass(frozen=True)
class Timed:
    """A network that was timed: its raw samples, seconds, and the rounds they belong to."""

    specs: tuple[Spec, ...]
    precision: str
    sha256: str  # of the ONNX file
    rounds: tuple[int, ...]
    samples: tuple[float, ...]


@dataclass(frozen=True)
class NetworkRow:
    """A whole network, seconds: the sum of its blocks, the corrected prediction without this network, the clock."""

    arch: tuple[int, ...]
    precision: str
    naive: float
    held_out: float
    measured: float


@dataclass(frozen=True)
class LatencyTable:
    """`rows[precision, spec]`: a block's seconds; `corrections[precision]`: from blocks to networks."""

    space: str
    passport: Mapping[str, Any]
    protocol: Mapping[str, Any]
    rounds: tuple[Mapping[str, Any], ...]  # the board's state before and after, and the round's speed
    timed: tuple[Timed, ...]
    rows: Mapping[tuple[str, Spec], Value]
    corrections: Mapping[str, Correction]
    networks: tuple[NetworkRow, ...]

    def predictor(self, space: SearchSpace, precision: str) -> AdditiveLatency:
        """The additive model of a space. Raises LutraError for a layer that was never measured."""
        seconds = np.full((len(space.layers), max(space.options)), np.nan)
        for layer, options in enumerate(space.layers):
            for option, spec in enumerate(options):
                seconds[layer, option] = self.seconds(spec, precision)
        correction = self.corrections[precision]
        return AdditiveLatency(seconds, correction.intercept, correction.slope)

    def seconds(self, spec: Spec, precision: str) -> float:
        """A layer's seconds within a network; zero for Skip alone."""
        if isinstance(spec, Skip):
            return 0.0
        if (precision, spec) not in self.rows:
            known = sum(key == precision for key, _ in self.rows)
            raise LutraError(
                f"{spec} was never measured in {precision} on {self.device!r} ({known} layers were); "
                f"measure it: python -m experiments.measure space={self.space}"
            )
        return self.rows[precision, spec].seconds

    def latency(self, specs: Sequence[Spec], precision: str) -> float:
        """A network's predicted seconds, from any specs that the table knows."""
        return float(self.corrections[precision](np.asarray(sum(self.seconds(spec, precision) for spec in specs))))

    @property
    def device(self) -> str:
        return str(self.passport.get("model") or self.passport.get("cpu"))

    def require(self, passport: Mapping[str, Any], ignore: Iterable[str] = ()) -> None:
        """Raises LutraError where the table is another device's, runtime's or thread count's."""
        keys = [key for key in DECIDING if key not in set(ignore)]
        differing = [key for key in keys if self.passport.get(key) != passport.get(key)]
        if differing:
            pairs = ", ".join(f"{key} {self.passport.get(key)!r} is here {passport.get(key)!r}" for key in differing)
            raise LutraError(
                f"the table is of another device: {pairs}; measure one here: python -m experiments.measure"
            )

    def to_json(self) -> str:
        rows = [
            {"layer": to_json(spec), "precision": precision, "unit": "s", "status": "ok", **vars(value)}
            for (precision, spec), value in self.rows.items()
        ]
        timed = [{**vars(item), "specs": [to_json(spec) for spec in item.specs]} for item in self.timed]
        content = {
            "schema": SCHEMA,
            "space": self.space,
            "passport": dict(self.passport),
            "protocol": dict(self.protocol),
            "corrections": {precision: vars(item) for precision, item in self.corrections.items()},
            "rows": rows,
            "networks": [vars(item) for item in self.networks],
            "rounds": [dict(item) for item in self.rounds],
            "timed": timed,
        }
        return json.dumps({**content, "sha256": _hash(content)}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> LatencyTable:
        """Reads and checks a table. Raises LutraError with the row that is wrong."""
        try:
            content = json.loads(text)
        except ValueError as error:
            raise LutraError(
                f"the table is no JSON ({error}); measure it again: python -m experiments.measure"
            ) from None
        if not isinstance(content, dict) or content.get("schema") != SCHEMA:
            found = content.get("schema") if isinstance(content, dict) else type(content).__name__
            raise LutraError(f"the table's schema is {found!r}, this program reads {SCHEMA!r}; measure it again")
        rows = _rows(content.get("rows"))
        if content.pop("sha256", None) != _hash(content):
            raise LutraError("the table was altered after it was written (its sha256 differs); measure it again")
        specs = [tuple(from_json(spec) for spec in item.pop("specs")) for item in content["timed"]]
        return cls(
            space=content["space"],
            passport=content["passport"],
            protocol=content["protocol"],
            rounds=tuple(content["rounds"]),
            timed=tuple(Timed(specs=s, **_tuples(item)) for s, item in zip(specs, content["timed"])),
            rows=rows,
            corrections={key: Correction(**item) for key, item in content["corrections"].items()},
            networks=tuple(NetworkRow(**_tuples(item)) for item in content["networks"]),
        )


def _rows(records: Any) -> dict[tuple[str, Spec], Value]:
    """Every row, or one error that names the first bad one and counts the others."""
    rows: dict[tuple[str, Spec], Value] = {}
    bad = []
    for index, record in enumerate(records if isinstance(records, list) else []):
        try:
            key, value = _row(record)
            if key in rows:
                raise LutraError("stands twice")
            rows[key] = value
        except (LutraError, KeyError, TypeError, AttributeError) as error:
            layer = record.get("layer") if isinstance(record, dict) else record
            bad.append(f"row {index} ({layer}) {error}")
    if bad or not rows:
        more = f" (and {len(bad) - 1} more rows)" if len(bad) > 1 else ""
        raise LutraError(f"the table is damaged: {bad[0] if bad else 'no rows'}{more}; measure it again")
    return rows


def _row(record: Any) -> tuple[tuple[str, Spec], Value]:
    spec = from_json(record["layer"])
    if record.get("unit") != "s":
        raise LutraError(f"must have the unit 's', not {record.get('unit')!r}")
    if record.get("precision") not in PRECISIONS:
        raise LutraError(f"must have a precision of {PRECISIONS}, not {record.get('precision')!r}")
    if record.get("status") != "ok":
        raise LutraError(f"has the status {record.get('status')!r}")
    numbers = [record.get(key) for key in ("seconds", "low", "high")]
    for key, number in zip(("seconds", "low", "high"), numbers):
        finite = isinstance(number, float) and math.isfinite(number)
        if not finite or (key == "seconds" and number <= 0):
            raise LutraError(f"has {key} {number!r}: it must be a positive number of seconds")
    return (record["precision"], spec), Value(*numbers)


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _tuples(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in record.items()}
