"""Tests reading files: an error is one line that names the file; complete files are read as written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces.documents import parse_json, read_bytes, read_csv, read_json, read_sealed, sealed
from search_spaces.errors import LutraError

GOOD = {"name": "é", "numbers": [1, 2.5, None, True], "inner": {"a": 1}}
DAMAGED = {
    "a list": b"[]",
    "null": b"null",
    "a number": b"5",
    "a text": b'"a"',
    "nothing": b"",
    "deep nesting": b"[" * 200_000,
    "deep objects": b'{"a":' * 200_000,
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "invalid UTF-8": b'{"a": "\xff"}',
    "NaN": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "too large a number": b'{"a": 1e999}',
    "an endless number": b'{"a": 1' + b"0" * 10_000 + b"}",
    "a key twice": b'{"a": 1, "a": 2}',
    "cut short": b'{"a": [1, 2',
    "more behind": b'{"a": 1} {}',
    "zeros": bytes(100),
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def refused(path: Path, read: Any, *arguments: Any) -> str:
    with pytest.raises(LutraError) as caught:
        read(path, *arguments)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("damage", DAMAGED)
def test_json_that_is_not_what_was_asked_for_is_one_line(damage: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(DAMAGED[damage])
    refused(tmp_path / "file", read_json, "record")
    refused(tmp_path / "file", read_sealed, "record")


def test_json_is_read_as_it_was_written(tmp_path: Path) -> None:
    for text in (json.dumps(GOOD), json.dumps(GOOD, indent=1).replace("\n", "\r\n")):
        (tmp_path / "file").write_text(text, newline="")
        assert read_json(tmp_path / "file", "record") == GOOD


def test_only_regular_files_of_bounded_size_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "large").write_bytes(bytes(101))
    assert "is a folder" in refused(tmp_path, read_bytes, "record")
    assert "is a pipe" in refused(tmp_path / "pipe", read_bytes, "record")
    assert "is a device" in refused(Path("/dev/zero"), read_bytes, "record")
    assert "there is no record" in refused(tmp_path / "none", read_bytes, "record")
    assert "too large for a record" in refused(tmp_path / "large", read_bytes, "record", 100)
    for path in (tmp_path / "loop", tmp_path / ("x" * 300), tmp_path / "large" / "inside"):
        refused(path, read_bytes, "record")
    with pytest.raises(LutraError, match="cannot read"):
        read_bytes("a\0b")
    assert read_bytes(tmp_path / "large", "record", 101) == bytes(101)


@settings(max_examples=15)
@given(content=st.dictionaries(st.text().filter(lambda key: key != "sha256"), VALUES, max_size=4), data=st.data())
def test_a_sealed_file_is_read_back_and_any_changed_byte_is_refused(
    content: dict[str, Any], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "sealed"
    path.write_text(sealed(content))
    assert read_sealed(path, "record") == content
    damaged = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(damaged) - 1))
    damaged[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(damaged)
    refused(path, read_sealed, "record")


def test_a_file_without_its_seal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(json.dumps(GOOD))
    assert "has no sha256" in refused(tmp_path / "file", read_sealed, "record")
    (tmp_path / "file").write_bytes(sealed(GOOD).replace("\n", "\r\n").encode())
    refused(tmp_path / "file", read_sealed, "record")


@pytest.mark.parametrize(
    "content",
    [
        b"a,c\n1,2\n",
        b"a,b\n1\n",
        b"a,b\n1,2,3\n",
        b"a,b,b\n1,2,3\n",
        b'a,b\n1,"2\n',
        b"a,b\n\xff,2\n",
        b"a,b\n" + b"1" * 200_000 + b",2\n",
        b"",
    ],
)
def test_csv_that_is_not_what_was_asked_for_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    refused(tmp_path / "file", read_csv, ("a", "b"))


def test_csv_is_read_with_its_lines_from_any_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b'a,b\n1,"x,\ny"\n\n2,z\n', b'\xef\xbb\xbfa,b\r\n1,"x,\ny"\r\n\r\n2,z\r\n'):
        path.write_bytes(content)
        assert read_csv(path, ("a", "b")) == [
            (f"{path}, line 3", {"a": "1", "b": "x,\ny"}),
            (f"{path}, line 5", {"a": "2", "b": "z"}),
        ]


def test_errors_of_text_that_is_no_file_name_where_it_came_from() -> None:
    with pytest.raises(LutraError, match="the board's answer is not a valid round: it holds a list, not an object"):
        parse_json("[]", "the board's answer", "round")
