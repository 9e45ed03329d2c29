"""Tests the cached hashes of images: what was written to is read again."""

from __future__ import annotations

import os
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.data import archives, entries
from experiments.data import image_hashes as kept
from tests.experiments.image_files import write_tar


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treats every file as old enough to cache its hash."""
    monkeypatch.setattr(kept, "SETTLED", 0)


def refuse(*arguments: object) -> bytes:
    pytest.fail("an image is read again")


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("archived", [False, True])
def test_what_was_not_written_to_is_not_read_again(
    tmp_path: Path, pets: Path, monkeypatch: pytest.MonkeyPatch, archived: bool
) -> None:
    path = str(write_tar(tmp_path / "pets.tgz", pets) if archived else pets)
    first = kept.contents(path, str(tmp_path / "cache"))
    assert first == kept.contents(path)
    for module, name in ((entries, "_read_file"), (archives, "_read_tar")):
        monkeypatch.setattr(module, name, refuse)
    assert kept.contents(path, str(tmp_path / "cache")) == first


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("archived", [False, True])
def test_what_was_written_to_is_read_again_whatever_its_times_say(tmp_path: Path, pets: Path, archived: bool) -> None:
    image = pets / "cat" / "0.png"
    path = tmp_path / "pets.tar" if archived else pets

    def keys() -> list[str]:
        if archived:
            with tarfile.open(path, "w") as archive:
                archive.add(pets, arcname=".")
            os.utime(path, (1, 1))
        return [kept.contents(str(path), cache).key for cache in ("", str(tmp_path / "cache"))]

    os.utime(image, (1, 1))
    before = keys()
    content = bytearray(image.read_bytes())
    content[-20] ^= 1
    time.sleep(0.05)  # file times advance every few milliseconds
    image.write_bytes(content)
    os.utime(image, (1, 1))
    after = keys()
    assert before[0] == before[1]
    assert after[0] == after[1] != before[0]


def test_what_was_written_just_now_is_read_again(tmp_path: Path, pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.contents(str(pets), str(tmp_path / "cache"))
    monkeypatch.setattr(entries, "_read_file", refuse)
    with pytest.raises(pytest.fail.Exception):
        kept.contents(str(pets), str(tmp_path / "cache"))


@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("damage", [lambda text: text[:-9], lambda text: text.replace("0", "1", 1), lambda text: ""])
def test_damaged_hashes_are_made_again(tmp_path: Path, pets: Path, damage: Callable[[str], str]) -> None:
    first = kept.contents(str(pets), str(tmp_path))
    (file,) = tmp_path.glob("*.json")
    file.write_text(damage(file.read_text()))
    assert kept.contents(str(pets), str(tmp_path)) == first
