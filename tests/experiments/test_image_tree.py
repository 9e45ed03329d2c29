"""Tests the list of images (splits, system files) and the key of the data, which is a hash of that list."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.config import DataConfig
from experiments.data.image_folder import image_folder
from experiments.data.image_tree import read_tree
from experiments.store.keys import data_key
from predictors.board.own_images import label_of
from tests.experiments.image_files import counts, key, png, refused, write_folders, write_tar


def test_a_class_is_the_same_with_composed_and_decomposed_letters(tmp_path: Path) -> None:
    """macOS may write an accent as a letter of its own."""
    composed, decomposed = (unicodedata.normalize(form, "Ảnh") for form in ("NFC", "NFD"))
    root = write_folders(tmp_path / "root", "train/a", f"train/{composed}", "test/a", f"test/{decomposed}")
    for path in (root, write_tar(tmp_path / "root.tgz", root)):
        assert read_tree(str(path)).classes == ("a", composed)
        assert len(image_folder(str(path), 8, 0.3, 0, group=r"(\d)").test.labels) == 6
    assert label_of(root / "test" / decomposed / "0.png", ["a", composed], root) == 1


def test_a_folder_that_wraps_the_tree_may_hold_single_images_too(tmp_path: Path) -> None:
    """As the archive of a folder does in which an image lies beside the class folders."""
    plain = write_folders(tmp_path / "plain", "a", "b")
    (plain / "cover.png").write_bytes(png(90))
    wrapped = write_folders(tmp_path / "wrapped", "mine/a", "mine/b")
    (wrapped / "mine" / "cover.png").write_bytes(png(90))
    assert read_tree(str(wrapped)).classes == read_tree(str(plain)).classes == ("a", "b")
    assert read_tree(str(wrapped)).passed == read_tree(str(plain)).passed == "1 outside the class folders"
    splits = write_folders(tmp_path / "splits", *(f"mine/{part}/{name}" for part in ("train", "test") for name in "ab"))
    (splits / "mine" / "train" / "cover.png").write_bytes(png(90))
    (splits / "mine" / "cover.png").write_bytes(png(90))
    assert counts(read_tree(str(splits))) == {"train": 6, "test": 6}
    assert "two class folders are needed" in refused(write_folders(tmp_path / "one", "mine", "mine/a", count=9))


JUNK = [
    ".DS_Store",
    "cat/.DS_Store",
    "cat/._0.png",
    "cat/Thumbs.db",
    "dog/desktop.ini",
    "cat/@eaDir/0.png/SYNOPHOTO_THUMB_M.png",
    "@eaDir/cat/0.png",
    "__MACOSX/cat/._0.png",
    "__MACOSX/cat/0.png",
    "cat/.thumbnails/0.png",
    "dog/.ipynb_checkpoints/0.png",
    "#recycle/dog/0.png",
    "$RECYCLE.BIN/dog/0.png",
    "lost+found/0.png",
]


@pytest.mark.parametrize("name", JUNK)
def test_files_of_the_system_are_neither_read_nor_in_the_key(tmp_path: Path, name: str) -> None:
    root = write_folders(tmp_path / "pets", "cat", "dog")
    tree, before = read_tree(str(root)), key(root)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(png(50))
    assert read_tree(str(root)) == tree
    assert key(root) == before == key(write_tar(tmp_path / "pets.tgz", root))


def test_what_is_passed_over_is_told_with_counts(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "pets", "cat", "dog")
    for name in ("cat/1.tiff", "cat/2.TIFF", "dog/1.heic", "dog/noname", "cover.png"):
        (root / name).write_bytes(b"x")
    for path in (root, write_tar(tmp_path / "pets.tgz", root)):
        told = read_tree(str(path)).passed
        assert sorted(told.split(", ")) == [
            "1 .heic",
            "1 outside the class folders",
            "1 without a suffix",
            "2 .tiff",
        ]
    assert read_tree(str(write_folders(tmp_path / "clean", "cat", "dog"))).passed == ""


def test_a_folder_of_photographs_that_cannot_be_read_says_what_is_there(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "pets", "cat", "dog")
    (root / "emu").mkdir()
    (root / "emu" / "1.heic").write_bytes(b"x")
    assert "there are 1 .heic" in refused(root)
    (tmp_path / "other" / "emu").mkdir(parents=True)
    (tmp_path / "other" / "emu" / "1.heic").write_bytes(b"x")
    assert "there are 1 .heic" in refused(tmp_path / "other")


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null"])
def test_a_device_is_no_archive(path: str) -> None:
    assert "neither a folder nor a file" in refused(Path(path))


@pytest.mark.parametrize("names", [("Training", "Testing"), ("TRAIN", "Test"), ("training_set", "test_set")])
@pytest.mark.parametrize("third", ["", "Val", "valid", "VALIDATION", "val2017"])
def test_splits_have_natural_names_in_any_letter_case(tmp_path: Path, names: tuple[str, str], third: str) -> None:
    splits = [*names, third] if third else list(names)
    root = write_folders(tmp_path / "pets", *(f"{split}/{name}" for split in splits for name in ("cat", "dog")))
    tree = read_tree(str(root))
    assert tree.classes == ("cat", "dog")
    assert counts(tree) == {"train": 6, "test": 6} | ({"validation": 6} if third else {})


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        (["train/cat", "train/dog", "Training/cat", "Training/dog", "test/cat", "test/dog"], ["Training and train"]),
        (["test/cat", "test/dog", "val/cat", "val/dog"], ["test", "beside it there is val"]),
        (["train/cat", "train/dog", "extra/cat", "extra/dog"], ["train", "beside it there is extra"]),
        (["cat/train", "cat/test", "dog/train", "dog/test"], ["cat", "the splits test, train", "train/cat"]),
    ],
)
def test_folders_that_might_be_splits_are_told(tmp_path: Path, folders: list[str], words: list[str]) -> None:
    said = refused(write_folders(tmp_path / "pets", *folders))
    assert all(word in said for word in words)


def test_images_beside_the_splits_are_told(tmp_path: Path) -> None:
    folders = [f"{split}/{name}" for split in ("train", "test") for name in ("cat", "dog")]
    tree = read_tree(str(write_folders(tmp_path / "pets", *folders, "unlabelled")))
    assert counts(tree) == {"train": 6, "test": 6}
    assert tree.passed == "3 outside the class folders"


CHANGES: dict[str, Callable[[Path], object]] = {
    "another image": lambda root: (root / "cat" / "0.png").write_bytes(png(99)),
    "one more": lambda root: (root / "cat" / "9.png").write_bytes(png(99)),
    "one less": lambda root: (root / "cat" / "0.png").unlink(),
    "another name": lambda root: (root / "cat" / "0.png").rename(root / "cat" / "7.png"),
    "another class": lambda root: (root / "cat" / "0.png").rename(root / "dog" / "7.png"),
    "a class's name": lambda root: (root / "cat").rename(root / "kitten"),
    "exchanged": lambda root: (
        (root / "cat").rename(root / "x"),
        (root / "dog").rename(root / "cat"),
        (root / "x").rename(root / "dog"),
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_key_is_of_what_is_read(tmp_path: Path, change: Callable[[Path], object]) -> None:
    root = write_folders(tmp_path / "pets", "cat", "dog")
    before = key(root)
    change(root)
    assert key(root) != before
    assert key(write_tar(tmp_path / "pets.tgz", root)) == key(root)


def test_the_key_is_not_of_where_it_is_and_how_that_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_folders(tmp_path / "pets", "cat", "dog")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(root)
    config = DataConfig("image_folder", str(root))
    paths = [str(root), f"{root}/", "~/pets", "pets", "./pets//", "link", str(write_tar(tmp_path / "pets.tgz", root))]
    os.utime(root / "cat" / "0.png", (1, 1))
    assert len({str(data_key(replace(config, path=path))) for path in paths}) == 1
