"""Tests how files are written: a killed writer, a full disk, a file system that cannot sync, CSV cells."""

from __future__ import annotations

import csv
import errno
import hashlib
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.store import artefacts, journal
from experiments.store.disk import FORMULA
from tests.experiments.made_up_steps import leftovers, run, start

WRITER = """
import hashlib, itertools, sys
from pathlib import Path
from experiments.store import artefacts
for number in itertools.count(int(sys.argv[2])):
    body = f"{number} " * 20000
    artefacts.write(Path(sys.argv[1]), f"{number}\\n{hashlib.sha256(body.encode()).hexdigest()}\\n{body}")
    print(number, flush=True)
"""


def version_of(path: Path) -> int:
    """Returns the version number in a file, which must be complete."""
    number, checksum, body = path.read_text().split("\n")
    assert checksum == hashlib.sha256(body.encode()).hexdigest()
    return int(number)


def test_a_killed_writer_leaves_a_whole_file_and_forgets_nothing_it_said(tmp_path: Path) -> None:
    rng, path, told = Random(0), tmp_path / "step" / "file", -1
    for _ in range(10):
        writer = start(WRITER, path, told + 1)
        assert writer.stdout
        told = int(writer.stdout.readline())
        for _ in range(rng.randrange(40)):
            assert version_of(path) >= told
        writer.kill()
        told = max([told, *map(int, writer.stdout.read().split())])
        writer.communicate()
        assert version_of(path) >= told
        told = version_of(path)


DYING = """
import os, signal, sys
from pathlib import Path
from experiments.store import artefacts
kill = lambda event, details: event == "os.rename" and os.kill(os.getpid(), signal.SIGKILL)
artefacts.step(Path(sys.argv[1]), "made", "x", {}, {}, lambda folder: (
    artefacts.write(folder / "first", "1"), sys.addaudithook(kill), artefacts.write(folder / "second", "2")))
"""


def test_what_a_killed_writer_left_is_removed_when_its_step_is_done(tmp_path: Path) -> None:
    assert run(DYING, tmp_path)[0] == -9
    (folder,) = (tmp_path / "made").iterdir()
    assert sorted(path.name.split(".")[1] for path in leftovers(folder)) == ["second", "seconds"]
    assert not (folder / "manifest.json").exists()

    def work(folder: Path) -> None:
        artefacts.write(folder / "first", "1")
        artefacts.write(folder / "second", "2")

    assert artefacts.step(tmp_path, "made", "x", {}, {}, work) == folder
    assert not leftovers(tmp_path)
    assert set(artefacts.manifest(folder)["outputs"]) == {"first", "second"}


LIMITED = """
import resource, sys
from pathlib import Path
from experiments.store import artefacts
from experiments.store import journal
from search_spaces.errors import LutraError
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
folder = Path(sys.argv[1])
for attempt in (
    lambda: artefacts.write(folder / "file", bytes(1_000_000)),
    lambda: artefacts.write_csv(folder / "file", [{"column": "x" * 200_000}]),
    lambda: journal.append(folder / "log", {"new": "y" * 200_000}),
):
    try:
        attempt()
    except LutraError as error:
        print(error)
"""


def test_a_file_that_does_not_fit_leaves_the_one_before(tmp_path: Path) -> None:
    artefacts.write(tmp_path / "file", "before")
    journal.append(tmp_path / "log", {"old": 1})
    code, out, err = run(LIMITED, tmp_path)
    assert (code, err) == (0, "")
    assert [line.split(";")[0] for line in out.splitlines()] == [
        f"disk full: 1.0 MB needed at {tmp_path / 'file'}",
        f"disk full: 0.2 MB needed at {tmp_path / 'file'}",
        f"disk full: 0.2 MB needed at {tmp_path / 'log'}",
    ]
    assert (tmp_path / "file").read_text() == "before"
    assert not leftovers(tmp_path)
    assert journal.read(tmp_path / "log") == [{"old": 1}]


def test_a_file_system_that_cannot_sync_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", fsync)
    artefacts.write(tmp_path / "file", "content")
    journal.append(tmp_path / "log", {"a": 1})
    assert (tmp_path / "file").read_text() == "content"
    assert journal.read(tmp_path / "log") == [{"a": 1}]


CELLS = st.one_of(
    st.floats(allow_nan=False),
    st.integers(),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r")).filter(
        lambda text: not text.lstrip().startswith(FORMULA)  # a formula gets a quote (another test)
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.fixed_dictionaries({"one": CELLS, "two, three": CELLS}), min_size=1, max_size=5))
def test_a_csv_file_says_what_was_written(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    artefacts.write_csv(tmp_path / "file.csv", rows)
    with open(tmp_path / "file.csv", newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert found == [{key: str(value) for key, value in row.items()} for row in rows]
    assert [type(row["one"])(text["one"]) for row, text in zip(rows, found)] == [row["one"] for row in rows]
