"""Tests that one dataclass writes and reads each table of the paper."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from experiments.setup.session_record import Session, read_rows, write_rows
from experiments.store import artefacts
from paper import rows
from paper.compression_rows import Stage
from search_spaces.errors import LutraError

VALUES: dict[Any, Any] = {str: "a, b", int: 3, float: 0.25, bool: True}
WHOLE = [kind for kind in rows.FILES if kind is not rows.Candidate]  # its costs are columns of their own
RESULTS = Path(rows.__file__).parent / "results"


def full(kind: type) -> Any:
    """Returns a row with a value in every column."""
    hints = get_type_hints(kind)
    return kind(**{one.name: VALUES[(get_args(hints[one.name]) or (hints[one.name],))[0]] for one in fields(kind)})


@pytest.mark.parametrize("kind", WHOLE, ids=lambda kind: kind.__name__)
def test_a_row_is_read_as_it_was_written(kind: type, tmp_path: Path) -> None:
    row = full(kind)
    artefacts.write_csv(tmp_path / rows.FILES[kind], [asdict(row), asdict(row)])
    assert rows.read(tmp_path, kind) == [row, row]


@pytest.mark.parametrize("kind", [kind for kind in WHOLE if (RESULTS / rows.FILES[kind]).exists()])
def test_published_files_are_read(kind: type) -> None:
    assert len(rows.read(RESULTS, kind)) > 0


@pytest.mark.parametrize("lost", [one.name for one in fields(Stage)])
def test_the_record_of_a_session_needs_every_column(lost: str, tmp_path: Path) -> None:
    write_rows(tmp_path, [full(Stage)], Session({}), 0.0)
    assert read_rows(tmp_path)[0] == [full(Stage)]
    record = tmp_path / "benchmark.json"
    record.write_text(record.read_text().replace(f'"{lost}"', '"other"'))
    with pytest.raises(LutraError, match="damaged"):
        read_rows(tmp_path)
