"""Tests that LaTeX makes the documents: the same bytes twice, and its errors are named."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from paper import build
from paper.csv_records import ResultError
from tests.commands import ROOT


def test_without_latex_the_packages_are_named(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ResultError, match="apt-get install latexmk texlive-latex-recommended"):
        build.typeset(tmp_path)


@pytest.mark.parametrize("document", build.DOCUMENTS)
def test_a_document_is_built_twice_to_the_same_bytes(
    document: str, typeset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second build starts from the first one's references, so it needs one run of LaTeX instead of several."""
    built = (typeset / f"{document}.pdf").read_bytes()
    assert built.startswith(b"%PDF")
    monkeypatch.setattr(build, "EARLIER", ("fdb_latexmk", "fls", "log", "pdf"))
    assert build.typeset(shutil.copytree(typeset, tmp_path / "another"), document).read_bytes() == built
    log = (typeset / f"{document}.log").read_text(errors="replace")
    assert ("Overfull" if document == "slides" else r"Overfull \hbox") not in log
    assert "undefined" not in log
    if document == "slides":
        pages = int(re.findall(rf"Output written on {document}.pdf \((\d+) pages", log)[-1])
        backups = len(re.findall("{For questions", (ROOT / "paper/slides.tex").read_text()))
        assert 12 <= pages - backups <= 15


@pytest.mark.skipif(shutil.which("latexmk") is None, reason="latexmk is not installed")
def test_what_stops_latex_is_named_and_no_document_is_left(drawn: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(drawn, tmp_path / "build")
    (folder / "slides.pdf").write_bytes(b"of an earlier build")
    numbers, figure = folder / "numbers.tex", folder / "pareto.pdf"
    whole = numbers.read_text()
    numbers.write_text(whole.replace("NasVersusHandMade", "Other"))
    with pytest.raises(ResultError, match="Undefined control sequence"):
        build.typeset(folder, "slides")
    assert not (folder / "slides.pdf").exists()
    numbers.write_text(whole)
    figure.unlink()
    with pytest.raises(ResultError, match="pareto"):
        build.typeset(folder, "slides")
