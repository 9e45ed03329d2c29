"""The latency table's file: JSON, one record per line, with a hash of its bytes. An altered file is refused."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from predictors.board.answer_validation import plain
from predictors.board.fingerprint import PRECISIONS
from predictors.tables.correction import Correction
from predictors.tables.table import LatencyTable, NetworkRow, Timed
from predictors.tables.table_shape import check_parts, check_shape, is_seconds
from predictors.timing.rounds import Round
from predictors.timing.values import Value
from predictors.timing.verdict import Rejection, Verdict
from search_spaces import documents
from search_spaces.errors import LutraError
from search_spaces.layers import Spec
from search_spaces.layers.json_specs import from_json, to_json

SCHEMA = "lutra/latency-table/3"
SEAL = ',\n"sha256": "'


def dump(table: LatencyTable) -> str:
    """The file's text; equal tables give equal bytes."""
    number = {item.name: index for index, item in enumerate(table.timed)}
    content = {
        "schema": SCHEMA,
        "space": table.space,
        "reference": table.reference,
        "passport": dict(table.passport),
        "protocol": dict(table.protocol),
        "verdict": asdict(table.verdict),
        "corrections": {precision: asdict(item) for precision, item in table.corrections.items()},
        "layers": [[to_json(spec) for spec in options] for options in table.layers],
        "rows": [
            {"layer": to_json(spec), "precision": precision, "unit": "s", "status": "ok", **asdict(value)}
            for (precision, spec), value in table.rows.items()
        ],
        "networks": [asdict(item) for item in table.networks],
        "timed": [{**vars(item), "specs": [to_json(spec) for spec in item.specs]} for item in table.timed],
        "rounds": [
            {"before": r.before, "after": r.after, "order": [number[name] for name in r.order], "seconds": r.seconds}
            for r in table.rounds
        ],
    }
    body = "{\n" + ",\n".join(f"{json.dumps(key)}: {_lines(value)}" for key, value in content.items())
    return f'{body}{SEAL}{_sha256(body)}"\n}}\n'


def load(text: str) -> LatencyTable:
    """Reads and checks a table. Raises a LutraError that names the row that is wrong."""
    try:
        content = documents.parse_json(text, "the table", "table")
    except documents.DamagedError as error:
        _name_no_numbers(text)
        raise LutraError(f"{error}; measure it again: python -m experiments.measure") from None
    if content.get("schema") != SCHEMA:
        raise LutraError(
            f"the table's schema is {plain(repr(content.get('schema')))}, this program reads {SCHEMA!r}; "
            "measure it again"
        )
    rows = _rows(content.get("rows"))
    body, seal, tail = text.rpartition(SEAL)
    if not seal or tail != f'{_sha256(body)}"\n}}\n':
        raise LutraError("the table was altered after it was written (its sha256 differs); measure it again")
    try:
        check_shape(content, PRECISIONS)
        table = _table(content, rows)
        check_parts(table)
    except LutraError as error:
        raise LutraError(f"the table is damaged: {plain(str(error), 1000)}; measure it again") from None
    return table


def _name_no_numbers(text: str) -> None:
    """If a number is NaN or infinite, raises a LutraError that names its row or round."""
    with contextlib.suppress(ValueError, RecursionError, AttributeError, KeyError, TypeError):
        content = json.loads(text)
        for index, record in enumerate(content["rounds"]):
            bad = [value for value in record["seconds"] if isinstance(value, float) and not math.isfinite(value)]
            if bad:
                raise LutraError(f"the table is damaged: round {index} has a sample of {bad[0]} s; measure it again")
        _rows(content["rows"])


def read_table(path: Path) -> LatencyTable:
    """Reads a table from its file; errors name the file."""
    if not path.exists():
        raise LutraError(f"there is no table at {path}; measure one: python -m experiments.measure")
    text = documents.read_text(path, "table")
    try:
        return load(text)
    except LutraError as error:
        raise LutraError(f"{path}: {error}") from None


def _lines(value: Any) -> str:
    """JSON of a list with one item per line; of anything else, on one line."""
    if isinstance(value, list):
        return "[\n" + ",\n".join(map(json.dumps, value)) + "\n]"
    return json.dumps(value)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _table(content: Mapping[str, Any], rows: Mapping[tuple[str, Spec], Value]) -> LatencyTable:
    timed = [Timed(**{**item, "specs": _specs(item["specs"])}) for item in content["timed"]]
    verdict = content["verdict"]
    return LatencyTable(
        space=content["space"],
        layers=tuple(_specs(options) for options in content["layers"]),
        reference=tuple(content["reference"]),
        passport=content["passport"],
        protocol=content["protocol"],
        verdict=Verdict(
            verdict["state"],
            tuple(verdict["reasons"]),
            tuple(Rejection(**item) for item in verdict["rejected"]),
            tuple(verdict["unknown"]),
        ),
        corrections={key: Correction(**item) for key, item in content["corrections"].items()},
        rows=rows,
        networks=tuple(NetworkRow(**{**item, "arch": tuple(item["arch"])}) for item in content["networks"]),
        timed=tuple(timed),
        rounds=tuple(_round(index, record, timed) for index, record in enumerate(content["rounds"])),
    )


def _round(index: int, record: Any, timed: Sequence[Timed]) -> Round:
    if strange := [number for number in record["order"] if number >= len(timed)]:
        raise LutraError(f"round {index} has a file number {strange[0]}, and there are {len(timed)} files")
    order, seconds = [timed[number].name for number in record["order"]], tuple(record["seconds"])
    bad = [value for value in seconds if not is_seconds(value)]
    if bad or len(order) != len(seconds) or not order:
        what = f"a sample of {bad[0]!r} s" if bad else f"{len(seconds)} samples of {len(order)} files"
        raise LutraError(f"round {index} has {what}")
    return Round(tuple(order), seconds, (), dict(record["before"]), dict(record["after"]))


def _finite(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _specs(records: Any) -> tuple[Spec, ...]:
    return tuple(from_json(record) for record in records)


def _rows(records: Any) -> dict[tuple[str, Spec], Value]:
    """All rows. If any are wrong, raises a LutraError that names the first one and counts the others."""
    rows: dict[tuple[str, Spec], Value] = {}
    bad = []
    for index, record in enumerate(records if isinstance(records, list) else []):
        try:
            key, value = _row(record)
            if key in rows:
                raise LutraError("appears twice")
            rows[key] = value
        except (LutraError, KeyError, TypeError, ValueError, AttributeError) as error:
            layer = record.get("layer") if isinstance(record, dict) else record
            bad.append(f"row {index} ({layer}) {error}")
    if bad or not rows:
        more = f" (and {len(bad) - 1} more rows)" if len(bad) > 1 else ""
        raise LutraError(f"the table is damaged: {bad[0] if bad else 'no rows'}{more}; measure it again")
    return rows


def _row(record: Any) -> tuple[tuple[str, Spec], Value]:
    spec = from_json(record["layer"])
    if odd := {*record} ^ {"layer", "precision", "unit", "status", "seconds", "low", "high"}:
        raise LutraError(f"has the fields {', '.join(map(str, record))}: {min(odd)!r} is unknown or missing")
    if record.get("unit") != "s":
        raise LutraError(f"must have the unit 's', not {record.get('unit')!r}")
    if record.get("precision") not in PRECISIONS:
        raise LutraError(f"must have a precision of {PRECISIONS}, not {record.get('precision')!r}")
    if record.get("status") != "ok":
        raise LutraError(f"has the status {record.get('status')!r}")
    numbers = [record.get(key) for key in ("seconds", "low", "high")]
    for key, number in zip(("seconds", "low", "high"), numbers):
        if not _finite(number) or (key == "seconds" and number <= 0):
            raise LutraError(f"has {key} {number!r}: it must be a positive number of seconds")
    return (record["precision"], spec), Value(*numbers)
