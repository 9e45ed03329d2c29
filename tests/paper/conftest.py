"""Fixtures for tests of the paper: made-up results, and figures that are not rendered."""

from __future__ import annotations

from pathlib import Path

import pytest

from paper.figures import style
from tests.commands import DOT
from tests.paper.made_up_results import synthetic


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return synthetic(tmp_path / "results")


@pytest.fixture
def unrendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots figures, but does not render them, which takes most of the time of writing LaTeX's inputs."""
    monkeypatch.setattr(style, "rendered", lambda plotted, kind: DOT)
