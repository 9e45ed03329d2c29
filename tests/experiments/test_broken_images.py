"""Tests that broken images, archives and folders are named."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torchvision.datasets
from PIL import Image

from experiments.data import DATASETS, archives, entry, shape_of
from search_spaces.errors import LutraError
from tests.experiments.image_files import png, write_tar, write_tree

image_folder = DATASETS["image_folder"]


def says(call: object, *words: str) -> None:
    with pytest.raises(LutraError) as caught:
        call()  # type: ignore[operator]
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        ({}, ["no images", "<class>/<image>"]),
        ({"cat": 0, "dog": 0}, ["no images"]),
        ({"cat": 5}, ["(cat)", "two class folders"]),
        ({"train/cat": 5, "test/cat": 5}, ["(cat)", "two class folders"]),
        ({"train": 5, "test": 5}, ["has 0"]),
        ({"cat": 5, "dog": 5, "emu": 0}, ["'emu'", "no images"]),
        ({"train/cat": 5, "train/dog": 5, "test/cat": 0, "test/dog": 1}, ["'cat' (test)", "no images"]),
        ({"train/cat": 5, "train/dog": 5, "test/cat": 1, "test/emu": 1}, ["dog, emu", "train and test"]),
        ({"train/cat": 5, "train/dog": 5, "test": 3}, ["cat, dog", "train and test"]),
        ({"cat": 5, "dog": 0, "emu": 0}, ["'dog', 'emu'", "have no images"]),
        ({"cat": 5, "dog": 1}, ["'dog'", "(1)", "test split"]),
        ({"cat": 5, "dog": 1, "emu": 1}, ["'dog' (1), 'emu' (1)", "test split"]),
        ({"cat": 5, "dog": 2}, ["'dog'", "(1)", "validation split"]),
    ],
)
def test_a_tree_that_is_no_data_set(tmp_path: Path, folders: dict[str, int], words: list[str]) -> None:
    root = tmp_path / "root"
    root.mkdir()
    write_tree(root, folders)
    says(lambda: image_folder(str(root), 8, 0.2, 0), *words)
    says(lambda: image_folder(str(write_tar(tmp_path / "root.tgz", root)), 8, 0.2, 0), *words)


@pytest.mark.parametrize(("path", "what"), [("", "data.path is missing"), ("no/such/folder", "'no/such/folder'")])
def test_a_path_that_is_not_there(path: str, what: str) -> None:
    says(lambda: image_folder(path, 8, 0.2, 0), what, "data.path=")
    says(lambda: shape_of("image_folder", path, 8), what, "data.path=")


@pytest.mark.parametrize("name", DATASETS)
def test_settings_that_no_data_set_can_have(name: str) -> None:
    says(lambda: DATASETS[name]("x", 7, 0.2, 0), "7 px", "data.size")
    says(lambda: shape_of(name, "x", 7), "7 px", "data.size")
    says(lambda: DATASETS[name]("x", 8, 0.2, -1), "-1", "data.seed")
    for fraction in (0.0, 1.0, -0.1, float("nan")):
        says(lambda fraction=fraction: DATASETS[name]("x", 8, fraction, 0), str(fraction), "data.validation")


def test_unknown_name() -> None:
    says(lambda: shape_of("digit", "", 16), "'digit'", "'digits'")


def encoded(pixels: np.ndarray, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
BROKEN = {
    "empty": (b"", "unknown or damaged"),
    "text": (b"no image at all", "unknown or damaged"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n", "unknown or damaged"),
    "half a jpeg": (encoded(NOISE, "JPEG")[:1000], "truncated"),
    "half a png": (encoded(NOISE, "PNG")[:6000], "truncated"),
}


@pytest.mark.parametrize(("content", "word"), BROKEN.values(), ids=BROKEN)
def test_a_broken_image_is_named(tmp_path: Path, pets: Path, content: bytes, word: str) -> None:
    (pets / "dog" / "broken.jpg").write_bytes(content)
    for path in (pets, write_tar(tmp_path / "pets.tar.gz", pets)):
        says(lambda path=path: image_folder(str(path), 8, 0.25, 0), f"{path}/dog/broken.jpg", word)


def test_all_broken_images_are_named_at_once(tmp_path: Path, pets: Path) -> None:
    for name, (content, _) in zip(("cat/1.jpg", "cat/2.png", "dog/3.gif"), BROKEN.values()):
        (pets / name).write_bytes(content)
    names = ("3 images", "cat/1.jpg (unknown or damaged), cat/2.png (", "dog/3.gif (")
    for path in (pets, write_tar(tmp_path / "pets.tar.gz", pets)):
        says(lambda path=path: image_folder(str(path), 8, 0.25, 0), str(path), *names)


def test_a_bomb_is_named(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pets / "dog" / "bomb.png").write_bytes(png(0, 1000))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    says(lambda: image_folder(str(pets), 8, 0.25, 0), "dog/bomb.png", "decompression bomb")


def test_a_huge_file_is_named(tmp_path: Path, pets: Path) -> None:
    with open(pets / "dog" / "huge.jpg", "wb") as file:
        file.truncate(entry.MAX_BYTES + 1)
    for path in (pets, write_tar(tmp_path / "pets.tgz", pets)):
        says(lambda path=path: image_folder(str(path), 8, 0.25, 0), "dog/huge.jpg", "64 MB")


def test_an_archive_with_too_many_members(tmp_path: Path, pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_tar(tmp_path / "pets.tgz", pets)  # 50 images, 3 folders
    monkeypatch.setattr(archives, "MAX_MEMBERS", 53)
    assert shape_of("image_folder", str(path), 8).classes == 2
    monkeypatch.setattr(archives, "MAX_MEMBERS", 52)
    says(lambda: shape_of("image_folder", str(path), 8), "pets.tgz", "more than 52 members")


def test_a_damaged_archive(tmp_path: Path, pets: Path) -> None:
    whole = write_tar(tmp_path / "pets.tgz", pets).read_bytes()
    bare = io.BytesIO()
    with tarfile.open(fileobj=bare, mode="w") as archive:
        archive.add(pets, arcname=".")
    plain = bare.getvalue()
    no_header = bytearray(plain)
    no_header[plain.index(b"./dog/7.png")] ^= 0xFF
    wrong_sum = bytearray(whole)
    wrong_sum[-6] ^= 1
    header = plain.index(b"./dog/7.png")
    broken = [b"not a tar", whole[:-9], whole[: len(whole) // 2], bytes(wrong_sum)]
    broken += [plain[: len(plain) // 2], plain[:header], plain[: header + 100], bytes(no_header)]
    for index, content in enumerate(broken):
        path = tmp_path / f"{index}.tar"
        path.write_bytes(content)
        says(lambda path=path: shape_of("image_folder", str(path), 8), str(path), "archive")


@pytest.mark.parametrize(("name", "source"), [("cifar10", "CIFAR10"), ("fashion_mnist", "FashionMNIST")])
def test_without_a_network(name: str, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise URLError("no\nroute")

    monkeypatch.setattr(torchvision.datasets, source, refuse)
    says(lambda: DATASETS[name]("some/where", 32, 0.1, 0), "'some/where'", "data=image_folder data.path=", "no route")
