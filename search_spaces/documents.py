"""Reads JSON, CSV and text files from disk; every fault is a LutraError of one line that names the file.

Only regular files of a bounded size are read: folders, devices such as /dev/zero and pipes are refused. Uses only the
standard library, so that programs on a board can import it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from search_spaces.errors import LutraError, unknown

LIMIT = 256 * 10**6  # bytes of one file
SEAL = "sha256"  # the last key of a sealed file
KINDS = {stat.S_ISDIR: "folder", stat.S_ISFIFO: "pipe", stat.S_ISSOCK: "socket"}
NAMES = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}


class DamagedError(LutraError):
    """The file can be read, but its content is invalid."""


@contextmanager
def opened(path: Path | str, what: str = "file") -> Iterator[io.BufferedReader]:
    """A regular file, open for reading; the `with` block only reads. `what` describes it in messages."""
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            kind = next((name for test, name in KINDS.items() if test(mode)), "device")
            raise LutraError(f"{path} is a {kind}, not a {what}")
        with open(path, "rb") as file:
            yield file
    except FileNotFoundError:
        raise LutraError(f"there is no {what} at {path}") from None
    except OSError as error:
        raise LutraError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:  # a path with a zero byte
        raise LutraError(f"cannot read {str(path)!r}: {error}") from None


def read_bytes(path: Path | str, what: str = "file", limit: int = LIMIT) -> bytes:
    """The content of a regular file of at most `limit` bytes."""
    with opened(path, what) as file:
        if os.fstat(file.fileno()).st_size > limit:
            raise DamagedError(f"{path} is too large for a {what}: more than {limit / 1e6:g} MB")
        return file.read()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read_text(path: Path | str, what: str = "text file", limit: int = LIMIT) -> str:
    """The content of a UTF-8 file."""
    return _decoded(read_bytes(path, what, limit), path, what)


def read_json(path: Path | str, what: str = "JSON file", kind: type = dict, limit: int = LIMIT) -> Any:
    """The value in a JSON file, which must be of `kind`: dict for an object, list, ..."""
    return parse_json(read_bytes(path, what, limit), path, what, kind)


def parse_json(text: bytes | str, where: object, what: str = "JSON file", kind: type = dict) -> Any:
    """A JSON value of `kind`. Refuses what Python's reader accepts: NaN, infinities, repeated keys."""
    plain = _decoded(text, where, what) if isinstance(text, bytes) else text
    try:
        value = json.loads(plain, object_pairs_hook=_unique, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise DamagedError(f"{where} is not a valid {what}: its JSON is nested too deeply") from None
    except ValueError as error:
        why = f"it is not JSON ({error})" if isinstance(error, json.JSONDecodeError) else str(error)
        raise DamagedError(f"{where} is not a valid {what}: {why}") from None
    if type(value) is not kind:
        found = NAMES.get(type(value), "a number")
        raise DamagedError(f"{where} is not a valid {what}: it holds {found}, not {NAMES.get(kind, 'a number')}")
    return value


def sealed(content: Mapping[str, Any]) -> str:
    """A JSON object as text, with the sha256 of its other keys in the last one."""
    seal = hashlib.sha256(json.dumps(content, sort_keys=True, allow_nan=False).encode()).hexdigest()
    return json.dumps({**content, SEAL: seal}, indent=1, allow_nan=False) + "\n"


def read_sealed(path: Path | str, what: str = "JSON file") -> dict[str, Any]:
    """The object in a file that `sealed` wrote, without its seal. Raises LutraError if a single byte differs."""
    text = read_text(path, what)
    content = parse_json(text, path, what)
    if content.pop(SEAL, None) is None:
        raise DamagedError(f"{path} is not a valid {what}: it has no {SEAL}, so changes cannot be detected")
    if sealed(content) != text:
        raise DamagedError(f"{path} was changed after it was written: its {SEAL} differs")
    return content


def read_csv(path: Path | str, columns: Iterable[str], what: str = "CSV file") -> list[tuple[str, dict[str, str]]]:
    """Every row as text, with its file and line; header and rows must have all `columns`."""
    header, rows = _table(path, what)
    for column in columns:
        if column not in header:
            raise unknown(f"column of {path}", column, header)
    if len({*header}) < len(header):
        twice = next(column for column in header if header.count(column) > 1)
        raise DamagedError(f"{path} is not a valid {what}: its column {twice!r} appears twice")
    for where, cells in rows:
        if len(cells) != len(header):
            raise DamagedError(f"{where} has {len(cells)} cells, the header {len(header)}; fix or remove the row")
    return [(where, dict(zip(header, cells))) for where, cells in rows]


def read_header(path: Path | str, what: str = "CSV file") -> list[str]:
    """The names of the columns."""
    return _table(path, what)[0]


def _table(path: Path | str, what: str) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """The header of a CSV file, and each non-empty row with its file and line."""
    text = _decoded(read_bytes(path, what), path, what).lstrip("\ufeff")  # a mark that spreadsheets write first
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        return header, [(f"{path}, line {reader.line_num}", cells) for cells in reader if cells]
    except csv.Error as error:
        raise DamagedError(f"{path}, line {reader.line_num} is not valid CSV: {error}") from None


def _decoded(content: bytes, where: object, what: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise DamagedError(f"{where} is not a valid {what}: byte {error.start} is not UTF-8 text") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} appears twice")
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large a number")
    return value
