"""Images in folders and archives, and the data sets that are read from them."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.data.dataset import Dataset, Split
from experiments.data.image_hashes import contents
from experiments.data.image_tree import Tree
from search_spaces.errors import LutraError


def png(number: int, side: int = 8) -> bytes:
    """Returns an image of one colour, whose red channel is the number."""
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), (number % 256, 100, 200)).save(buffer, "PNG")
    return buffer.getvalue()


def write_tree(root: Path, folders: Mapping[str, int]) -> Path:
    """Writes that many images into each folder; an image's red channel is its number in the whole tree."""
    number = 0
    for folder, count in folders.items():
        (root / folder).mkdir(parents=True)
        for index in range(count):
            (root / folder / f"{index}.png").write_bytes(png(number))
            number += 1
    return root


def splits(data: Dataset) -> tuple[Split, Split, Split]:
    return data.train, data.validation, data.test


def numbers(split: Split) -> list[int]:
    """Returns the red channels of its images."""
    return split.images[:, 0, 0, 0].tolist()


def all_numbers(data: Dataset) -> list[int]:
    return [number for split in splits(data) for number in numbers(split)]


def write_folders(root: Path, *folders: str, count: int = 3) -> Path:
    return write_tree(root, dict.fromkeys(folders, count))


def write_tar(path: Path, root: Path) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        archive.add(root, arcname=".")
    return path


def write_zip(path: Path, root: Path, windows: bool = False, kind: int = zipfile.ZIP_DEFLATED) -> Path:
    """Archives a folder as Python does, or as those programs on Windows that separate folders by backslashes."""
    with zipfile.ZipFile(path, "w", kind) as archive:
        for file in sorted(root.rglob("*")):
            name = f"{file.relative_to(root)}{'/' if file.is_dir() else ''}"
            member = zipfile.ZipInfo(name)
            member.compress_type = kind
            if windows:
                member.create_system, member.filename = 0, name.replace("/", "\\")
            archive.writestr(member, b"" if file.is_dir() else file.read_bytes())
    return path


def key(path: Path | str) -> str:
    """Returns the key of the images in a folder or an archive."""
    return contents(str(path)).key


def refused(path: Path) -> str:
    """Returns the one line that says why a folder or an archive is no data set."""
    with pytest.raises(LutraError) as caught:
        contents(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def counts(tree: Tree) -> dict[str, int]:
    return {role: len(files) for role, files in tree.files.items()}


def photo(seed: int, size: int = 40) -> Image.Image:
    """Returns a smooth random image."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)


def write_photos(root: Path, **folders: list[Image.Image]) -> Path:
    """Writes images into folders, whose names separate levels by two underscores."""
    for name, members in folders.items():
        folder = root / name.replace("__", "/")
        folder.mkdir(parents=True)
        for number, image in enumerate(members):
            image.save(folder / f"{number:03}.png")
    return root
