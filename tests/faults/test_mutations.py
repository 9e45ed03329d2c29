"""Campaign on damaged files: one line reports the damage, or the values are unchanged. None changes unreported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from search_spaces.errors import LutraError
from tests.faults.campaign import Figures, campaign
from tests.faults.mutations import mutation
from tests.faults.protected_files import PROTECTED, UNPROTECTED, Read

EACH = 6  # mutations per trial
# files that identify themselves, so a user may replace one by another as a whole
ALONE = [f"mutations-{kind}" for kind in ("table", "bundle", "results of a bundle")]


@pytest.mark.parametrize("kind", PROTECTED)
def test_a_changed_file_is_refused_or_read_as_before(kind: str, tmp_path: Path) -> None:
    survive(f"mutations-{kind}", *PROTECTED[kind], tmp_path, protected=True)


@pytest.mark.parametrize("kind", UNPROTECTED)
def test_a_file_without_a_hash_is_read_or_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    survive(f"mutations-bare-{kind}", *UNPROTECTED[kind], tmp_path, protected=False)


def survive(name: str, write: Callable[[Path, int], Path], read: Read, folder: Path, protected: bool) -> None:
    path, another = write(folder / "one", 0), write(folder / "other", 1)
    content, other, right = path.read_bytes(), another.read_bytes(), [read(path)]
    assert content != other
    if name in ALONE:
        right.append(read(another))

    def damage(rng: Random) -> Figures:
        refused = 0
        for _ in range(EACH):
            changed = mutation(path, rng)
            path.write_bytes(data := changed(content, other, rng))
            same, told = False, ""
            try:
                same = read(path) in right
            except LutraError as error:
                told = str(error)
            except Exception as error:
                raise AssertionError(f"{changed.__name__}: {type(error).__name__}: {error}; {data[:200]!r}") from error
            finally:
                path.write_bytes(content)
            refused += bool(told)
            assert "\n" not in told, f"{changed.__name__}: more than a line: {told}"
            assert same or told or not protected, f"{changed.__name__}: read as another value: {data[:300]!r}"
        return {"mutations": EACH, "refused": refused}

    campaign(name, "mutations", 96, EACH, damage)
