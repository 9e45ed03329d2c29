"""Tests the cache of decoded images: its file detects damage, and gives the same batches as images in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from experiments.data import DATASETS, dataset, room, store
from experiments.data.dataset import Dataset
from search_spaces.errors import LutraError

image_folder = DATASETS["image_folder"]


def same(one: Dataset, other: Dataset) -> bool:
    """Whether two data sets are equal bit for bit."""
    assert (one.mean, one.std, one.classes) == (other.mean, other.std, other.classes)
    pairs = [(one.batch(step, 7, 1), other.batch(step, 7, 1)) for step in range(5)]
    for role in ("train", "validation", "test"):
        mine, theirs = getattr(one, role), getattr(other, role)
        pairs += [(one.fixed(mine, count, 3), other.fixed(theirs, count, 3)) for count in (0, 2)]
    return all(torch.equal(a[0][:], b[0][:]) and torch.equal(a[1], b[1]) for a, b in pairs)


def test_images_of_the_file_are_those_of_memory(tmp_path: Path, pets: Path) -> None:
    memory = image_folder(str(pets), 16, 0.2, 0)
    for _ in range(2):
        assert same(memory, image_folder(str(pets), 16, 0.2, 0, cache=str(tmp_path / "cache")))


def test_the_next_command_decodes_nothing(tmp_path: Path, pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = str(tmp_path / "cache")
    first = image_folder(str(pets), 16, 0.2, 0, cache=cache)

    def progress(items, total):  # type: ignore[no-untyped-def]
        pytest.fail("images are decoded again")

    monkeypatch.setattr(room, "check", progress)  # no space is checked, and no pixel is counted
    monkeypatch.setattr(dataset, "_moments", progress)
    assert same(first, image_folder(str(pets), 16, 0.2, 0, progress, cache))
    monkeypatch.undo()
    assert image_folder(str(pets), 16, 0.5, 7, progress, cache).mean != first.mean  # another split of the same file


def test_other_images_and_sizes_have_files_of_their_own(tmp_path: Path, pets: Path) -> None:
    cache = tmp_path / "cache"
    image_folder(str(pets), 16, 0.2, 0, cache=str(cache))
    image_folder(str(pets), 24, 0.2, 0, cache=str(cache))
    Image.new("RGB", (8, 8)).save(pets / "cat" / "0.png")
    assert same(image_folder(str(pets), 16, 0.2, 0, cache=str(cache)), image_folder(str(pets), 16, 0.2, 0))
    assert len(list(cache.glob(f"*/{store.NAME}"))) == 3


@pytest.mark.parametrize("name", [store.NAME, store.RECORD])
@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_damage_is_one_line(tmp_path: Path, pets: Path, name: str, damage: str) -> None:
    image_folder(str(pets), 16, 0.2, 0, cache=str(tmp_path / "cache"))
    (path,) = (tmp_path / "cache").glob(f"*/{name}")
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
    path.write_bytes({"flip": content, "cut": content[:-1], "empty": b""}[damage])
    with pytest.raises(LutraError) as caught:
        image_folder(str(pets), 16, 0.2, 0, cache=str(tmp_path / "cache"))
    assert str(path) in str(caught.value)
    assert f"delete {path.parent}" in str(caught.value)


def test_a_file_that_was_not_finished_is_made_again(tmp_path: Path, pets: Path) -> None:
    def die(items, total):  # type: ignore[no-untyped-def]
        yield next(iter(items))
        raise KeyboardInterrupt

    cache = tmp_path / "cache"
    with pytest.raises(KeyboardInterrupt):
        image_folder(str(pets), 16, 0.2, 0, die, str(cache))
    (folder,) = (path for path in cache.iterdir() if path.is_dir())
    (folder / f".{store.NAME}.{store.HOST}.{2**22 + 1}").write_bytes(b"x")  # from a dead process
    image_folder(str(pets), 16, 0.2, 0, cache=str(cache))
    assert {path.name for path in folder.iterdir()} == {".lock", store.NAME, store.RECORD}


def test_an_image_that_changes_while_it_is_read_is_named(tmp_path: Path, pets: Path) -> None:
    def change(items, total):  # type: ignore[no-untyped-def]
        Image.new("RGB", (8, 8)).save(pets / "dog" / "9.png")
        yield from items

    with pytest.raises(LutraError, match=r"dog/9\.png was changed while"):
        image_folder(str(pets), 16, 0.2, 0, change, str(tmp_path / "cache"))
