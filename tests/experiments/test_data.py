"""Tests data sets: disjoint splits, batches that depend on seed and step alone, and errors for broken folders."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision.datasets
from PIL import Image

from experiments.data import DATASETS, Shape, archives, entry, shape_of
from experiments.data.augmentation import crops, mirrored, offsets
from experiments.data.dataset import Dataset, Split, assemble
from experiments.data.splits import hold_out
from search_spaces.errors import LutraError
from tests.published import published

image_folder, digits = DATASETS["image_folder"], DATASETS["digits"]


def png(colour: tuple[int, int, int], width: int = 8, height: int = 8) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


def write_tree(root: Path, folders: Mapping[str, int]) -> Path:
    """Writes class folders with that many 8x8 images; an image's red channel is its number in the whole tree."""
    number = 0
    for folder, count in folders.items():
        (root / folder).mkdir(parents=True)
        for index in range(count):
            (root / folder / f"{index}.png").write_bytes(png((number, 100, 200)))
            number += 1
    return root


def write_tar(path: Path, root: Path) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        archive.add(root, arcname=".")
    return path


def numbers(split: Split) -> list[int]:
    return split.images[:, 0, 0, 0].tolist()


def splits(data: Dataset) -> tuple[Split, Split, Split]:
    return data.train, data.validation, data.test


def all_numbers(data: Dataset) -> list[int]:
    return [number for split in splits(data) for number in numbers(split)]


def counted(count: int, flip: bool = True) -> Dataset:
    """Returns images whose grey level and label are their index."""
    images = torch.arange(count, dtype=torch.uint8)[:, None, None, None].expand(count, 3, 16, 16).contiguous()
    split = Split(images, torch.arange(count))
    return assemble("counted", [str(index) for index in range(count)], split, split, split, flip)


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "pets", {"cat": 20, "dog": 30})


# --- batches


def test_batch_is_a_pure_function_of_step_and_seed() -> None:
    data = digits("", 16, 0.2, 0)
    images, labels = data.batch(7, 32, seed=3)
    data.batch(8, 32, seed=3)
    again = digits("", 16, 0.2, 0).batch(7, 32, seed=3)
    assert torch.equal(images, again[0])
    assert torch.equal(labels, again[1])
    assert not torch.equal(images, data.batch(8, 32, seed=3)[0])
    assert not torch.equal(images, data.batch(7, 32, seed=4)[0])
    assert images.dtype == torch.float32
    assert images.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("count", "size"), [(48, 8), (50, 8), (5, 8)])
def test_every_image_comes_once_an_epoch_and_every_batch_is_full(count: int, size: int) -> None:
    data = counted(count)
    batches = [data.batch(step, size, seed=1)[1] for step in range(count)]
    assert all(len(batch) == size for batch in batches)
    epochs = torch.cat(batches).view(size, count)
    assert torch.equal(epochs.sort(1).values, torch.arange(count).expand(size, count))
    assert not torch.equal(epochs[0], epochs[1])


def test_labels_follow_their_images() -> None:
    data = counted(40)
    images, labels = data.batch(3, 16, seed=0)
    centre = images[:, 0, 8, 8] * data.std[0] + data.mean[0]
    assert torch.equal((centre * 255).round().long(), labels)


def test_augmented_images_are_crops_of_padded_images() -> None:
    images = torch.randint(1, 256, (200, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2))
    seen = set()
    rng = np.random.default_rng(0)
    for original, crop in zip(padded, mirrored(crops(images, offsets(200, 16, rng)), rng.random(200) < 0.5)):
        places = {
            (row, column, mirrored)
            for row in range(5)
            for column in range(5)
            for mirrored in (False, True)
            if torch.equal(original[:, row : row + 16, column : column + 16], crop.flip(2) if mirrored else crop)
        }
        assert len(places) == 1
        seen |= places
    assert len(seen) > 40  # of 50 positions


def test_digits_are_never_mirrored() -> None:
    ramp = torch.arange(1, 17, dtype=torch.uint8).expand(64, 1, 16, 16).contiguous()
    split = Split(ramp, torch.zeros(64, dtype=torch.int64))
    rows = assemble("ramp", ["a"], split, split, split, flip=False).batch(0, 64, 0)[0][:, 0, 8]
    assert (rows[:, 3:13].diff() > 0).all()
    assert not digits("", 16, 0.2, 0).flip


def test_normalised_training_images_have_mean_zero_and_deviation_one() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (100, 3, 8, 8), dtype=torch.uint8, generator=generator)
    images[:, 1] //= 3
    split = Split(images, torch.zeros(100, dtype=torch.int64))
    normal = assemble("noise", ["a"], split, split, split).normalize(images).double()
    assert normal.mean((0, 2, 3)).abs().max() < 1e-6
    assert (normal.std((0, 2, 3), correction=0) - 1).abs().max() < 1e-6


def test_a_blank_channel_stays_finite() -> None:
    black = Split(torch.zeros(4, 1, 8, 8, dtype=torch.uint8), torch.zeros(4, dtype=torch.int64))
    images, _ = assemble("blank", ["a"], black, black, black).batch(0, 4, 0)
    assert torch.equal(images, torch.zeros(4, 1, 8, 8))


def test_fixed_subsets() -> None:
    data = counted(40)
    images, labels = data.fixed(data.test, 10, seed=5)
    assert len(set(labels.tolist())) == 10
    assert torch.equal(labels, data.fixed(data.test, 10, seed=5)[1])
    assert not torch.equal(labels, data.fixed(data.test, 10, seed=6)[1])
    assert torch.equal(images[:], data.normalize(data.test.images[labels]))
    for count in (0, 40, 41):
        assert torch.equal(data.fixed(data.test, count, seed=5)[1], data.test.labels)


# --- splits


def test_hold_out_is_stratified_seeded_and_disjoint() -> None:
    labels = np.repeat([0, 1, 2], [10, 40, 3])
    kept, held = hold_out(labels, 0.2, 0, "test", "abc")
    assert sorted([*kept, *held]) == list(range(53))
    assert np.bincount(labels[held]).tolist() == [2, 8, 1]
    assert np.array_equal(held, hold_out(labels, 0.2, 0, "test", "abc")[1])
    assert not np.array_equal(held, hold_out(labels, 0.2, 1, "test", "abc")[1])
    assert np.bincount(labels[hold_out(labels, 0.999, 0, "test", "abc")[0]]).tolist() == [1, 1, 1]


def test_digits() -> None:
    data, same, other = (digits("", 16, 0.25, seed) for seed in (0, 0, 1))
    assert [len(split.labels) for split in splits(data)] == [1079, 359, 359]
    assert data.train.images.shape == (1079, 1, 16, 16)
    assert data.shape == shape_of("digits", "", 16) == Shape(1, 16, 10)
    assert torch.equal(data.train.images, same.train.images)
    assert torch.equal(data.test.images, other.test.images)
    assert not torch.equal(data.validation.labels, other.validation.labels)
    assert data.train.images.max() == 255


def test_drawn_splits_are_disjoint_and_seeded(pets: Path) -> None:
    data, same, other = (image_folder(str(pets), 8, 0.25, seed) for seed in (0, 0, 1))
    assert [len(split.labels) for split in splits(data)] == [30, 10, 10]
    assert sorted(all_numbers(data)) == list(range(50))
    assert data.classes == ("cat", "dog")
    for split in splits(data):
        assert [int(number >= 20) for number in numbers(split)] == split.labels.tolist()
    assert numbers(data.validation) == numbers(same.validation)
    assert numbers(data.validation) != numbers(other.validation)
    assert numbers(data.test) == numbers(other.test)  # every seed reports on the same images


@pytest.mark.parametrize("validation", ["val", "valid", "validation"])
def test_given_splits_are_used(tmp_path: Path, validation: str) -> None:
    root = write_tree(
        tmp_path / "root",
        {"train/cat": 4, "train/dog": 4, f"{validation}/cat": 2, f"{validation}/dog": 2, "test/cat": 1, "test/dog": 1},
    )
    data = image_folder(str(root), 8, 0.5, 0)
    assert [numbers(split) for split in splits(data)] == [list(range(8)), list(range(8, 12)), [12, 13]]
    assert [split.labels.tolist() for split in splits(data)] == [[0] * 4 + [1] * 4, [0, 0, 1, 1], [0, 1]]


def test_validation_is_drawn_from_train_beside_a_test_folder(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "root", {"train/cat": 10, "train/dog": 10, "test/cat": 3, "test/dog": 3})
    data = image_folder(str(root), 8, 0.2, 0)
    assert numbers(data.test) == list(range(20, 26))
    assert sorted(numbers(data.train) + numbers(data.validation)) == list(range(20))
    assert len(data.validation.labels) == 4


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "root", {"car": 5, "train": 5})
    assert image_folder(str(root), 8, 0.5, 0).classes == ("car", "train")


# --- reading


def test_folder_and_archive_give_the_same_tensors(tmp_path: Path, pets: Path) -> None:
    (pets / ".hidden").mkdir()
    (pets / ".hidden" / "x.png").write_bytes(b"no image")
    (pets / "cat" / ".x.png").write_bytes(b"no image")
    (pets / "cat" / "notes.txt").write_text("no image")
    (pets / "dog" / "young").mkdir()
    (pets / "dog" / "young" / "1.PNG").write_bytes(png((77, 77, 77)))
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
            add(f"a/{index}.png", png((index, 0, 0)))
            add(f"/b/{index}.png", png((10 + index, 0, 0)))
        add("../escaped.png", png((99, 0, 0)))
        add("a/../../escaped.png", png((99, 0, 0)))
        add("a/link.png", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        add("a/hard.png", type=tarfile.LNKTYPE, linkname="a/0.png")
        add("a/pipe.png", type=tarfile.FIFOTYPE)
        add("a/device.png", type=tarfile.CHRTYPE)
        add("a/0.png", png((50, 0, 0)))  # the same name again: the later one counts
    data = image_folder(str(path), 8, 0.25, 0)
    assert sorted(all_numbers(data)) == [1, 2, 3, 10, 11, 12, 13, 50]
    assert [file.name for file in tmp_path.iterdir()] == ["hostile.tar"]


# --- mistakes


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


@pytest.mark.parametrize("path", ["", "no/such/folder"])
def test_a_path_that_is_not_there(path: str) -> None:
    says(lambda: image_folder(path, 8, 0.2, 0), repr(path), "data.path=")
    says(lambda: shape_of("image_folder", path, 8), repr(path), "data.path=")


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
    (pets / "dog" / "bomb.png").write_bytes(png((0, 0, 0), 1000, 1000))
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


# --- published sets


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


@pytest.mark.parametrize(("name", "source"), [("cifar10", "CIFAR10"), ("fashion_mnist", "FashionMNIST")])
def test_without_a_network(name: str, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise URLError("no\nroute")

    monkeypatch.setattr(torchvision.datasets, source, refuse)
    says(lambda: DATASETS[name]("some/where", 32, 0.1, 0), "'some/where'", "data=image_folder data.path=", "no route")


@pytest.mark.skipif("LUTRA_SLOW" not in os.environ, reason="takes half a minute; set LUTRA_SLOW=1")
def test_cifar10_from_its_archive() -> None:
    archive = str(published("cifar10_jpeg.tar.gz"))
    data = image_folder(archive, 32, 0.1, 0)
    assert data.shape == shape_of("image_folder", archive, 32) == Shape(3, 32, 10)
    assert [len(split.labels) for split in splits(data)] == [45000, 5000, 10000]
    assert all((split.labels.bincount() == len(split.labels) // 10).all() for split in splits(data))
    assert data.mean == pytest.approx((0.4914, 0.4822, 0.4465), abs=0.002)
