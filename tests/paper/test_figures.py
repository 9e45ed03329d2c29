"""Tests figures: each is a function of its CSV file, and of nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.text import Text

from paper import build
from paper.figures import style
from tests.commands import ROOT
from tests.paper.made_up_results import (
    whole_fonts,
)


@pytest.fixture(autouse=True)
def quick_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole_fonts(monkeypatch)


@pytest.mark.parametrize("name", build.FIGURES)
def test_a_figure_is_a_function_of_its_csv(name: str, drawn: Path, results: Path, tmp_path: Path) -> None:
    draw, source = (
        build.FIGURES[name],
        {
            "pareto": "candidates",
            "prediction": "networks",
            "heatmap": "table",
            "fidelity": "fresh",
            "waterfall": "stages",
        },
    )
    images = [drawn / f"{name}.pdf", tmp_path / "again.pdf", tmp_path / "changed.pdf"]
    style.save(draw(results), images[1])
    path = results / f"{source.get(name, name)}.csv"
    rows = path.read_text().splitlines()
    fewer = "\n".join([rows[0], *rows[5:]])
    whole = {"waterfall": ("0.9806", "0.95"), "ablation": ("0.8829", "0.87")}  # all rows are required
    path.write_text(path.read_text().replace(*whole[name]) if name in whole else fewer)
    style.save(draw(results), images[2])
    first, second, changed = (image.read_bytes() for image in images)
    assert first == second
    assert first != changed


def test_fonts_as_users_have_them_are_the_same_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(style.RC, "pdf.fonttype", 42)
    drawn = style.figure(1)
    drawn.suptitle("letters")
    one = style.rendered(drawn, "pdf")
    assert b"/CIDFontType2" in one
    assert style.rendered(drawn, "pdf") == one


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("kind", ["pdf", "png", "svg"])
@pytest.mark.parametrize("compression", [0, 9])
def test_a_figure_on_a_full_disk_is_an_oserror(
    kind: str, compression: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(style.RC, "pdf.compression", compression)
    path = tmp_path / f"figure.{kind}"
    path.symlink_to("/dev/full")
    drawn = style.figure(1)
    drawn.add_subplot().plot(range(9))
    with pytest.raises(OSError, match="No space left"):
        style.save(drawn, path)


def test_a_figure_runs_as_a_script_from_anywhere(results: Path, tmp_path: Path) -> None:
    script = [sys.executable, ROOT / "paper/figures/heatmap.py", results]
    subprocess.run([*script, "out.png"], cwd=tmp_path, check=True)
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    (results / "table.csv").unlink()
    failed = subprocess.run([*script, "none.png"], cwd=tmp_path, capture_output=True, text=True)
    assert failed.returncode == 2
    assert failed.stderr.count("\n") == 1
    assert "table.csv is missing" in failed.stderr


@pytest.mark.parametrize("name", build.FIGURES)
def test_signs_of_tex_in_a_cell_are_drawn_as_they_are(name: str, results: Path, tmp_path: Path) -> None:
    """Without escaping, matplotlib would set them as mathematics, or fail where that is incomplete."""
    for path in results.glob("*.csv"):
        path.write_text(re.sub(r"\b(evolution|finetuned|Stem|MBConv|forest)\b", r"$\\\\frac{a_$", path.read_text()))
    drawn = build.FIGURES[name](results)
    style.save(drawn, tmp_path / "figure.pdf")
    assert not any(text.get_parse_math() for text in drawn.findobj(Text) if "$" in text.get_text())


def test_only_what_was_published_is_drawn(drawn: Path) -> None:
    assert {path.stem for path in drawn.glob("*.pdf")} == {*build.FIGURES}
