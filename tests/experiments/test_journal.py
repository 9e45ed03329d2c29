"""Tests the journal: what was appended is read again, and damage is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.store import journal
from search_spaces.errors import LutraError

RECORDS = [
    {"arch": [0, 3, 1], "accuracy": 0.1 + 0.2},
    {"arch": [], "note": "é\n\u2028"},
    {"arch": [2], "accuracy": 1.0},
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    for record in RECORDS:
        journal.append(tmp_path / "log", record)
    return tmp_path / "log"


def test_a_journal_remembers_what_was_appended(log: Path, tmp_path: Path) -> None:
    assert journal.read(log) == RECORDS
    assert journal.read(tmp_path / "nothing") == []


def test_a_journal_torn_anywhere_in_its_last_record_goes_on_before_it(log: Path) -> None:
    whole = log.read_bytes()
    last = whole.index(b"\n", whole.index(b"\n") + 1) + 1
    for cut in range(last, len(whole)):
        log.write_bytes(whole[:cut])
        assert journal.read(log) == RECORDS[:-1]
        assert log.read_bytes() == whole[:last]
        journal.append(log, RECORDS[-1])
        assert log.read_bytes() == whole
        assert journal.read(log) == RECORDS


def test_zeros_at_the_end_of_a_journal_are_a_torn_record(log: Path) -> None:
    """A file system may leave zeros after a power cut."""
    whole = log.read_bytes()
    log.write_bytes(whole + bytes(4096))
    assert journal.read(log) == RECORDS
    assert log.read_bytes() == whole


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bit=st.integers(0, 10**6))
def test_a_flipped_bit_is_never_another_record(bit: int, tmp_path: Path) -> None:
    log = tmp_path / "flipped"
    log.unlink(missing_ok=True)
    for record in RECORDS:
        journal.append(log, record)
    content = bytearray(log.read_bytes())
    content[bit // 8 % len(content)] ^= 1 << bit % 8
    log.write_bytes(content)
    try:
        records = journal.read(log)
    except LutraError:
        assert log.read_bytes() == content
    else:
        assert records == RECORDS[: len(records)]
        assert len(records) < len(RECORDS)


def test_a_line_in_the_middle_that_is_damaged_is_named(log: Path) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"note", b"nOte")
    log.write_bytes(b"".join(lines))
    with pytest.raises(LutraError, match="line 2 is damaged; delete that line and run the same command again"):
        journal.read(log)
