"""Tests the paper's title and author, in any letters."""

from __future__ import annotations

import shutil
from pathlib import Path

from paper import (
    build,
    checksums,
    title,
)
from paper.latex import escape
from tests.paper.made_up_results import edit, listed, write

VIETNAMESE = "Ảnh biển báo của Nguyễn Thị Phượng, Đà Nẵng"


def test_title_and_author_are_the_users(results: Path) -> None:
    assert title.macros(results)["Author"] == title.AUTHOR
    write(results / title.FILE, "key,value", [("title", f"{VIETNAMESE} & 50 %"), ("author", "Phạm_1")])
    told = title.macros(results)
    assert told["Title"] == rf"{escape(VIETNAMESE)} \& 50 \%"
    assert "?" not in told["Title"] + told["Author"]
    write(results / title.FILE, "key,value", [("title", ""), ("author", "A")])
    assert title.macros(results)["Title"] == title.TITLE


def test_every_vietnamese_letter_is_kept() -> None:
    marks = {"a": "ăâ", "e": "ê", "o": "ôơ", "u": "ư", "i": "", "y": ""}
    vowels = "".join(base + more for base, more in marks.items())
    from unicodedata import normalize

    letters = [normalize("NFC", vowel + tone) for vowel in vowels for tone in ("", *"\u0300\u0301\u0303\u0309\u0323")]
    for letter in [*letters, "đ"]:
        for case in (letter, letter.upper()):
            assert "?" not in escape(case), case
            assert escape(normalize("NFD", case)) == escape(case)


def test_a_strangers_paper_is_built_with_their_names(results: Path, begun: Path) -> None:
    """Stamped, with a Vietnamese title, and with sections of another machine; from another paper's references."""
    write(results / title.FILE, "key,value", [("title", VIETNAMESE), ("author", "Nguyễn Văn Ấn")])
    edit(results / "setup.csv", "retrain_steps,400", "retrain_steps,6")
    build.sources(results, begun)
    pdf = build.typeset(begun)
    log = (begun / "paper.log").read_text(errors="replace")
    assert "undefined" not in log
    assert "Missing character" not in log
    if shutil.which("pdftotext"):
        import subprocess

        text = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True).stdout
        assert "Nguyễn Văn Ấn" in text
        assert VIETNAMESE in [line.strip() for line in text.splitlines()]  # and nothing else in its line
        pages = text.rstrip("\f").split("\f")
        assert all("NOT A RESULT" in page for page in pages)


def test_the_list_of_hashes_may_name_a_title(results: Path) -> None:
    write(results / title.FILE, "key,value", [("author", "A")])
    listed(results)
    checksums.check(results)
