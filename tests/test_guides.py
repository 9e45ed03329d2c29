"""Tests that documents name files, headings and commands that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from experiments.__main__ import commands
from experiments.config.schema import all_keys
from tests.commands import PACKAGES, ROOT

FOUND = [*ROOT.glob("*.md"), *(path for package in PACKAGES for path in (ROOT / package).rglob("*.md"))]
DOCUMENTS = [path for path in FOUND if ROOT / "experiments" / "runs" not in path.parents]
MADE = ("experiments/runs", "paper/build", "experiments/NAME")
documents = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())


@documents
def test_every_path_in_a_document_is_there(path: Path) -> None:
    folders = "|".join((*PACKAGES, "tests"))
    named = set(re.findall(rf"`((?:{folders})/[\w./-]*)`", path.read_text(encoding="utf-8")))
    assert [name for name in sorted(named) if not name.startswith(MADE) and not (ROOT / name).exists()] == []


@documents
def test_every_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if not link.startswith("https://"):
            name, _, anchor = link.partition("#")
            target = path.parent / name if name else path
            assert target.exists(), link
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
            anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert not anchor or anchor in anchors, link


@documents
def test_every_command_and_key_in_a_document_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    names = re.findall(r"(?:python -m experiments\.|`lutra )([a-z]\w*)", text)
    assert {*names} - {"command"} <= {*commands()}
    words = [word for line in re.findall(r"(?:python -m experiments\.|`lutra )[^`\n]*", text) for word in line.split()]
    given = re.findall(r"[\s\"]([a-z]\w*\.[\w.]+)=", " " + " ".join(words))
    known = (*all_keys(), "strategy.options.", "hydra.")
    assert [key for key in given if key not in known and not key.startswith(known[-2:])] == []
