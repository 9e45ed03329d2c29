"""Tests how images are read, from folders, archives and published data sets."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torchvision.datasets
from PIL import Image

from experiments.data import DATASETS, Shape, shape_of
from tests.experiments.image_files import all_numbers, png, splits, write_tar, write_tree
from tests.published import published

image_folder = DATASETS["image_folder"]


def test_folder_and_archive_give_the_same_tensors(tmp_path: Path, pets: Path) -> None:
    (pets / ".hidden").mkdir()
    (pets / ".hidden" / "x.png").write_bytes(b"no image")
    (pets / "cat" / ".x.png").write_bytes(b"no image")
    (pets / "cat" / "notes.txt").write_text("no image")
    (pets / "dog" / "young").mkdir()
    (pets / "dog" / "young" / "1.PNG").write_bytes(png(77))
    data = image_folder(str(pets), 8, 0.25, 0)
    assert sum(len(split.labels) for split in splits(data)) == 51
    for name in ("pets.tar.gz", "pets.tgz"):
        archived = image_folder(str(write_tar(tmp_path / name, pets)), 8, 0.25, 0)
        assert archived.classes == data.classes
        for ours, theirs in zip(splits(data), splits(archived)):
            assert torch.equal(ours.images, theirs.images)
            assert torch.equal(ours.labels, theirs.labels)
    assert shape_of("image_folder", str(pets), 24) == shape_of("image_folder", str(tmp_path / "pets.tgz"), 24)


def test_a_wrapping_folder_is_stepped_over(tmp_path: Path, pets: Path) -> None:
    assert image_folder(str(pets.parent), 8, 0.25, 0).classes == ("cat", "dog")


def test_shape_decodes_no_image(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(b"")
    assert shape_of("image_folder", str(tmp_path), 32) == Shape(3, 32, 3)


def test_images_are_resized_and_cropped_to_the_central_square(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "root", {"a": 3, "b": 3})
    wide = Image.new("RGB", (64, 32), (255, 0, 0))
    wide.paste((0, 255, 0), (16, 0, 48, 32))
    for kind, image in {
        "gif": wide,
        "webp": wide,
        "bmp": wide,
        "ppm": wide,
        "jpg": wide.rotate(90, expand=True),
    }.items():
        image.save(root / "a" / f"wide.{kind}", lossless=True)
    Image.new("L", (40, 40), 9).save(root / "b" / "grey.png")
    Image.new("RGBA", (40, 40), (1, 2, 3, 255)).save(root / "b" / "alpha.png")
    data = image_folder(str(root), 16, 0.5, 0)
    images = torch.cat([split.images for split in splits(data)])
    inner = images[:, :, 2:14, 2:14]  # the border is interpolated with pixels that were cropped
    green = (inner[:, 1] > 245).flatten(1).all(1) & (inner[:, 0] < 10).flatten(1).all(1)
    assert green.sum() == 5
    assert (images == 9).flatten(1).all(1).sum() == 1
    assert (images == torch.tensor([1, 2, 3], dtype=torch.uint8).view(3, 1, 1)).flatten(1).all(1).sum() == 1


def test_progress_wraps_the_files(pets: Path) -> None:
    told = []

    def progress(items, total):  # type: ignore[no-untyped-def]
        for item in items:
            told.append(total)
            yield item

    image_folder(str(pets), 8, 0.25, 0, progress)
    assert told == [50] * 50


def test_hostile_members_of_an_archive_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "hostile.tar"
    with tarfile.open(path, "w") as archive:

        def add(name: str, content: bytes = b"", **fields: object) -> None:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for key, value in fields.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(content))

        for index in range(4):
            add(f"a/{index}.png", png(index))
            add(f"/b/{index}.png", png(10 + index))
        add("../escaped.png", png(99))
        add("a/../../escaped.png", png(99))
        add("a/link.png", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        add("a/hard.png", type=tarfile.LNKTYPE, linkname="a/0.png")
        add("a/pipe.png", type=tarfile.FIFOTYPE)
        add("a/device.png", type=tarfile.CHRTYPE)
        add("a/0.png", png(50))  # the same name again: the later one counts
    data = image_folder(str(path), 8, 0.25, 0)
    assert sorted(all_numbers(data)) == [1, 2, 3, 10, 11, 12, 13, 50]
    assert [file.name for file in tmp_path.iterdir()] == ["hostile.tar"]


def test_published_sets_are_read_as_torchvision_gives_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)

    def cifar(path: str, train: bool, download: bool) -> SimpleNamespace:
        count = 40 if train else 20
        data = rng.integers(0, 256, (count, 32, 32, 3), np.uint8)
        return SimpleNamespace(data=data, targets=[i % 10 for i in range(count)], classes=list("abcdefghij"))

    def fashion(path: str, train: bool, download: bool) -> SimpleNamespace:
        split = cifar(path, train, download)
        grey = torch.from_numpy(split.data[:, :28, :28, 0])
        return SimpleNamespace(data=grey, targets=torch.tensor(split.targets), classes=split.classes)

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", cifar)
    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", fashion)
    for name in ("cifar10", "fashion_mnist"):
        data = DATASETS[name]("somewhere", 32, 0.25, 0)
        assert data.shape == shape_of(name, "somewhere", 32)
        assert [len(split.labels) for split in splits(data)] == [30, 10, 20]
        assert data.batch(0, 8, 0)[0].shape == (8, data.shape.in_channels, 32, 32)


@pytest.mark.skipif("LUTRA_SLOW" not in os.environ, reason="takes half a minute; set LUTRA_SLOW=1")
def test_cifar10_from_its_archive() -> None:
    archive = str(published("cifar10_jpeg.tar.gz"))
    data = image_folder(archive, 32, 0.1, 0)
    assert data.shape == shape_of("image_folder", archive, 32) == Shape(3, 32, 10)
    assert [len(split.labels) for split in splits(data)] == [45000, 5000, 10000]
    assert all((split.labels.bincount() == len(split.labels) // 10).all() for split in splits(data))
    assert data.mean == pytest.approx((0.4914, 0.4822, 0.4465), abs=0.002)
