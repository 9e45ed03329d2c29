"""Tests finished steps: they are not done again, and changed files are reported."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from experiments.store import artefacts, unfinished
from search_spaces import documents
from search_spaces.errors import LutraError
from tests.experiments.made_up_steps import failing, never, step, write_once


def test_a_step_that_was_finished_under_another_name_is_not_done_again(tmp_path: Path) -> None:
    """The name says what it was first made for."""
    done: list[Path] = []

    def made(label: str, seed: int) -> Path:
        return artefacts.step(tmp_path, "retrain", label, {"seed": seed}, {}, done.append)

    first = made("winner-tiny", 0)
    assert first.name.startswith("winner-tiny-")
    assert made("reference-tiny", 0) == made("tiny", 0) == made("winner-tiny", 0) == first
    assert made("reference-tiny", 1).name.startswith("reference-tiny-")
    assert len(done) == 2


def test_a_finished_step_is_not_done_again(tmp_path: Path) -> None:
    folder = step(tmp_path, write_once)
    record = (folder / "manifest.json").read_bytes()
    assert step(tmp_path, never) == folder
    assert (folder / "manifest.json").read_bytes() == record
    assert artefacts.manifest(folder)["outputs"] == {"out/file": hashlib.sha256(b"content").hexdigest()}


def test_another_configuration_is_another_folder(tmp_path: Path) -> None:
    assert step(tmp_path, write_once, {"a": 1, "b": [1.5, None]}) == step(tmp_path, never, {"b": [1.5, None], "a": 1})
    folders = {step(tmp_path, write_once, config) for config in ({"a": 1}, {"a": 2}, {"a": 1.5}, {"a": "1"}, {"b": 1})}
    assert len(folders) == 5
    # a folder's name must not depend on the version of Python
    assert artefacts.digest({"b": [1.5, None, True], "a": "é"})[:16] == "76c938b46f9e6b84"


def test_a_changed_or_lost_file_is_told_before_use(tmp_path: Path) -> None:
    folder = step(tmp_path, write_once)
    path = folder / "out" / "file"
    path.write_text("cOntent")
    with pytest.raises(LutraError, match=f"{path} was changed since it was made; delete {folder} and run the same"):
        step(tmp_path, never)
    path.unlink()
    with pytest.raises(LutraError, match=f"{path} is missing since it was made; delete {folder} and run the same"):
        step(tmp_path, never)
    (folder / "manifest.json").write_text((folder / "manifest.json").read_text()[:-20])
    with pytest.raises(LutraError, match=r"manifest.json is not a valid manifest: .*; delete"):
        step(tmp_path, never)


def forged(folder: Path, **changes: Any) -> None:
    """Writes a changed manifest with a valid seal."""
    record = documents.read_sealed(folder / "manifest.json")
    (folder / "manifest.json").write_text(documents.sealed({**record, **changes}))


def test_any_changed_byte_of_a_manifest_is_refused(tmp_path: Path) -> None:
    folder = step(tmp_path, write_once)
    path = folder / "manifest.json"
    whole = path.read_bytes()
    for position in range(0, len(whole), 13):
        for changed in (whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :], whole[:position]):
            path.write_bytes(changed)
            with pytest.raises(LutraError, match=f"{path} .*; delete {folder} and run the same") as caught:
                step(tmp_path, never)
            assert "\n" not in str(caught.value)
    for changed in (whole.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + whole, whole + b" "):
        path.write_bytes(changed)
        with pytest.raises(LutraError, match="manifest"):
            step(tmp_path, never)
    path.write_bytes(whole)
    assert step(tmp_path, never) == folder


@pytest.mark.parametrize("key", ["config", "inputs", "step"])
def test_a_folder_of_other_settings_is_refused_whatever_its_name_says(key: str, tmp_path: Path) -> None:
    """Two settings can share the eight digits of a hash that a folder's name has."""
    folder = step(tmp_path, write_once)
    other = {"config": {"a": 2}, "inputs": {"input": "1" * 64}, "step": "other"}
    forged(folder, **{key: other[key]})
    with pytest.raises(LutraError, match=f"{folder} was made with different settings .*{key}"):
        step(tmp_path, never)


@pytest.mark.parametrize(
    "changes",
    [
        {"outputs": [1]},
        {"outputs": {"../../x": "0"}},
        {"outputs": {"/etc/passwd": "0"}},
        {"outputs": {"a": 1}},
        {"config": []},
        {"inputs": {"a": None}},
        {"seconds": -1.0},
        {"seconds": "1"},
        {"versions": None},
        {"code": 5},
    ],
)
def test_a_manifest_of_another_shape_is_refused_though_it_is_sealed(changes: dict[str, Any], tmp_path: Path) -> None:
    folder = step(tmp_path, write_once)
    forged(folder, **changes)
    with pytest.raises(LutraError, match=f"is not a valid manifest: see its {next(iter(changes))}"):
        step(tmp_path, never)


def test_stray_files_do_not_condemn_a_step(tmp_path: Path) -> None:
    def work(folder: Path) -> None:
        (folder / "Thumbs.db").write_text("by a file manager")
        write_once(folder)
        (folder / "notes.txt").write_text("by its user")

    folder = step(tmp_path, work)
    (folder / "notes.txt").write_text("changed")
    (folder / "Thumbs.db").unlink()
    (folder / "out" / ".DS_Store").write_text("later")
    assert step(tmp_path, never) == folder
    assert set(artefacts.manifest(folder)["outputs"]) == {"out/file"}


def test_an_unfinished_step_goes_on_whatever_it_is_made_for_and_keeps_its_user_s_files(tmp_path: Path) -> None:
    def stopped(folder: Path) -> None:
        artefacts.write(folder / "half", "half")
        (folder / ".notes.txt").write_text("by its user")
        raise LutraError("no")

    def went_on(folder: Path) -> None:
        assert (folder / "half").read_text() == "half"

    with pytest.raises(LutraError):
        artefacts.step(tmp_path, "retrain", "finalist-tiny", {}, {}, stopped)
    folder = artefacts.step(tmp_path, "retrain", "winner-tiny", {}, {}, went_on)
    assert folder.name.startswith("finalist-tiny-")
    assert (folder / ".notes.txt").read_text() == "by its user"
    assert len([*(tmp_path / "retrain").iterdir()]) == 1


def test_files_that_a_kill_left_in_a_finished_step_are_removed(tmp_path: Path) -> None:
    """Killed between its manifest and their removal."""
    folder = step(tmp_path, write_once)
    left = unfinished.files(folder)
    for path in left:
        path.write_bytes(b"left")
    assert step(tmp_path, never) == folder
    assert not [path for path in left if path.exists()]


def test_a_step_that_fails_is_done_anew(tmp_path: Path) -> None:
    with pytest.raises(LutraError):
        step(tmp_path, failing)
    folder = step(tmp_path, write_once)
    assert (folder / "out" / "file").read_text() == "content"
    assert step(tmp_path, never) == folder
