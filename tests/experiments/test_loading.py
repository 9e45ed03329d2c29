"""Tests that commands load no library that takes seconds and that they do not use."""

from __future__ import annotations

import itertools
from pathlib import Path

from tests.commands import Command

WITHOUT = "import sys; sys.modules.update(dict.fromkeys({}))"  # an import of one of them is an error


def test_the_front_of_published_networks_needs_no_regression(command: Command, tmp_path: Path) -> None:
    rows = [f"{a}{b},{50 + a + b},{1 + b}" for a, b in itertools.product(range(3), repeat=2)]
    (tmp_path / "a.csv").write_text("\n".join(["ops,percent,ms", *rows]))
    words = (f"runs={tmp_path / 'runs'}", f"exact.csv={tmp_path / 'a.csv'}", "exact.accuracy=percent")
    done = command("exact", *words, "exact.latency=ms", before=WITHOUT.format(["scipy.stats", "sklearn.ensemble"]))
    assert (done.code, done.err) == (0, "")
