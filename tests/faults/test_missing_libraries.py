"""Tests commands whose libraries are not installed: one line says how to install them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.faults.typed_settings import started


@pytest.mark.parametrize(
    ("library", "words"),
    [
        ("hydra", ["experiments.pipeline"]),
        ("omegaconf", ["experiments", "pipeline"]),
        ("rich", ["experiments.status"]),
        ("numpy", ["experiments.pipeline", "experiment=smoke"]),
        ("numpy", ["experiments.exact", "--multirun", "seed=0,1"]),
        ("torch", ["experiments.train", "experiment=smoke"]),
    ],
)
def test_a_library_that_is_not_installed_is_one_line(library: str, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{library!r}] = None\n")
    done = started("-m", *words, f"runs={tmp_path / 'runs'}", before=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith(f"error: {library} is not installed for {sys.executable}: pip install .")
    assert "make demo" in done.stderr


def test_a_file_of_ours_that_is_missing_is_no_library(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['search_spaces.errors'] = None\n")
    done = started("-m", "experiments.status", before=tmp_path)
    assert done.returncode == 1
    assert "search_spaces.errors" in done.stderr.splitlines()[-1]
