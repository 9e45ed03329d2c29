"""Tests the versions of code and libraries that a finished step records."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.store import artefacts, versions
from tests.commands import ROOT, git
from tests.experiments.made_up_steps import never, step, write_once


@pytest.fixture
def other_versions(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Changes the versions that this process reports."""

    def change(name: str, **changes: str) -> None:
        found = {**getattr(versions, name)(), **changes}
        monkeypatch.setattr(versions, name, lambda: found)
        artefacts._reported.clear()

    return change


@pytest.mark.parametrize("library", versions.LIBRARIES)
def test_a_step_of_another_library_is_used_with_a_line(
    library: str, tmp_path: Path, other_versions: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = step(tmp_path, write_once)
    assert step(tmp_path, never) == folder
    assert capsys.readouterr().err == ""
    other_versions("libraries", **{library: "99.0"})
    assert step(tmp_path, never) == step(tmp_path, never) == folder
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{folder} was made with {library} ")
    assert "(here 99.0)" in line
    assert "to make it again, delete it" in line


@pytest.mark.parametrize("package", versions.PACKAGES)
def test_a_step_of_other_code_is_used_with_a_line(
    package: str, tmp_path: Path, other_versions: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = step(tmp_path, write_once)
    other_versions("code", **{package: "0" * 64})
    assert step(tmp_path, never) == folder
    (line,) = capsys.readouterr().err.splitlines()
    assert f"other code in {package}/" in line


def test_a_raised_version_of_a_step_makes_it_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = step(tmp_path, write_once)
    monkeypatch.setitem(versions.STEPS, "made", (2, versions.PACKAGES))
    again = step(tmp_path, write_once)
    assert again != folder
    assert artefacts.manifest(again)["config"]["step_version"] == 2


def test_every_package_of_sources_is_hashed_by_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in versions.PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "runs"))
    monkeypatch.setattr(versions, "ROOT", tmp_path)
    known = versions.code.__wrapped__()
    assert known == versions.code()
    path = tmp_path / "strategies" / "algorithms" / "random.py"
    path.write_text(path.read_text() + "\n")
    found = versions.code.__wrapped__()
    assert {package for package in known if found[package] != known[package]} == {"strategies"}


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_the_commit_is_that_of_the_code_and_of_no_repository_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "lutra"
    (own / "experiments" / "store").mkdir(parents=True)
    monkeypatch.setattr(versions, "ROOT", own)
    monkeypatch.setattr(versions, "__file__", str(own / "experiments" / "store" / "versions.py"))
    (own / "experiments" / "store" / "versions.py").write_text("")
    assert versions.commit.__wrapped__() is None
    (tmp_path / "notes").write_text("mine")
    for words in (["init", "-q"], ["add", "notes"], ["commit", "-qm", "notes"]):
        git(tmp_path, *words)
    assert versions.commit.__wrapped__() is None
    git(own, "init", "-q")
    git(own, "commit", "-qm", "nothing", "--allow-empty")
    assert versions.commit.__wrapped__() is None  # the repository around it does not contain the code
    git(own, "add", "-A")
    git(own, "commit", "-qm", "all")
    head = git(own, "rev-parse", "--short=12", "HEAD").strip()
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    assert versions.commit.__wrapped__() == head
    (own / "experiments" / "store" / "versions.py").write_text("changed")
    assert versions.commit.__wrapped__() == f"{head}+"


def test_disagreeing_versions_of_one_result_are_named() -> None:
    last = {"step": "benchmark", "versions": dict.fromkeys(versions.LIBRARIES, "1"), "git_commit": "a"}
    older = {**last, "step": "train", "versions": {**last["versions"], "torch": "0"}}
    committed = {**last, "step": "search", "git_commit": "b"}
    assert versions.disagreements([last, last], last) == ""
    assert versions.disagreements([last, older, committed, older], last) == "train: torch 0; search: commit b"
