"""Damages files: flipped bits, cuts, added bytes, another file of the same kind, and edits like a person's."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    10**30,
    10**400,
    1.5,
    1e308,
    "",
    "=1+1",
    "é\n",
    [],
    {},
    [[]],
    {"a": 1},
    float("nan"),
)
CELLS = ("", "nan", "inf", "-1", "0", "1e999", "1e30", "x", "=1+1", "0-0", '"', "\0", "é", "a,b", "9" * 400)


def flipped(content: bytes, other: bytes, rng: Random) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]


def cut(content: bytes, other: bytes, rng: Random) -> bytes:
    return content[: rng.randrange(len(content))]


def extended(content: bytes, other: bytes, rng: Random) -> bytes:
    return content + rng.choice((rng.randbytes(1 + rng.randrange(9)), content, b"\n", b"{}", bytes(100)))


def swapped(content: bytes, other: bytes, rng: Random) -> bytes:
    return other


def overwritten(content: bytes, other: bytes, rng: Random) -> bytes:
    begin = rng.randrange(len(content))
    end = rng.randint(begin, len(content))
    return content[:begin] + rng.choice((bytes(end - begin), other[begin:end])) + content[end:]


def of_text(content: bytes, other: bytes, rng: Random) -> bytes:
    marks = (b"\xef\xbb\xbf" + content, content.replace(b"\n", b"\r\n"), content.decode("latin-1").encode("utf-16"))
    return rng.choice((*marks, b"[" * 100_000, b'{"a":' * 100_000, b"[]", b"null", b"5", b"", b'"a"'))


def of_json(content: bytes, other: bytes, rng: Random) -> bytes:
    """Changes, removes or duplicates a value anywhere in a JSON file."""
    value = json.loads(content)
    inner = value
    while True:
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        if not keys:
            return b"{}"
        key = rng.choice(keys)
        if not isinstance(inner[key], dict | list) or not inner[key] or rng.random() < 0.2:
            break
        inner = inner[key]
    way = rng.randrange(5)
    if way == 0:
        del inner[key]
    elif way == 1 and isinstance(inner, list):
        inner.append(inner[key])
    elif way == 2 and isinstance(inner, dict):
        inner["more"] = inner[key]
    elif way == 3 and type(inner[key]) in (int, float):
        inner[key] *= rng.choice((2, 1.0, -1, 1 + 1e-9))
    else:
        inner[key] = rng.choice(ODD)
    text = json.dumps(value, indent=1) + "\n"
    if way == 2:
        text = text.replace('"more":', f"{json.dumps(key)}:", 1)  # the key appears twice
    return text.encode()


def of_csv(content: bytes, other: bytes, rng: Random) -> bytes:
    """Changes a cell, or removes, duplicates or moves a row or a column of a CSV file."""
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    row, column = rng.randrange(len(rows)), rng.randrange(len(rows[0]))
    way = rng.randrange(6)
    if way == 0:
        del rows[row]
    elif way == 1:
        rows.insert(rng.randrange(len(rows)), rows[row])
    elif way == 2:
        rows = [[cell for index, cell in enumerate(cells) if index != column] for cells in rows]
    elif way == 3:
        rows = [[*cells, cells[column]] for cells in rows]
    elif way == 4:
        rows[row].pop()
    else:
        rows[row][column] = rng.choice(CELLS)
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


Mutation = Callable[[bytes, bytes, Random], bytes]
BINARY: tuple[Mutation, ...] = (flipped, cut, extended, swapped, overwritten)


def mutation(path: Path, rng: Random) -> Mutation:
    """Draws a mutation for a file: half of the time one of its format."""
    if rng.random() < 0.5 and path.suffix in (".json", ".csv"):
        return of_json if path.suffix == ".json" else of_csv
    return rng.choice((*BINARY, of_text) if path.suffix in (".json", ".csv", ".jsonl") else BINARY)
