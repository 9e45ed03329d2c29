"""Tests the cache of decoded images: its file detects damage, and gives the same batches as images in memory."""

from __future__ import annotations

import io
import os
import pickle
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from compress.files.parity import file_logits
from experiments.config import Config
from experiments.data import DATASETS, archives, dataset, entries, room, store
from experiments.data import image_hashes as kept
from experiments.data.dataset import Dataset, Split, assemble
from search_spaces.errors import LutraError
from search_spaces.networks.evaluation import batches
from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.spaces.tiny import tiny
from tests.commands import Here

image_folder = DATASETS["image_folder"]


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for index in range(15):
            Image.fromarray(rng.integers(0, 256, (12, 9, 3), np.uint8)).save(tmp_path / "pets" / name / f"{index}.png")
    return tmp_path / "pets"


def write_tar(path: Path, root: Path) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        archive.add(root, arcname=".")
    return path


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


@pytest.mark.parametrize("name", ["image_folder", "digits"])
@pytest.mark.parametrize("cached", [False, True])
def test_more_than_there_is_room_for_is_refused_before_it_is_read(
    tmp_path: Path, pets: Path, name: str, cached: bool
) -> None:
    def progress(items, total):  # type: ignore[no-untyped-def]
        pytest.fail("images are read")

    size = 1_000_000  # pixels per side: some TB in all
    with pytest.raises(LutraError) as caught:
        DATASETS[name](str(pets), size, 0.2, 0, progress, str(tmp_path / "cache") if cached else "")
    assert "GiB" in str(caught.value)
    assert "data.size=" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_100_000_images_of_224_px_need_no_memory() -> None:
    shape = (100_000, 224, 224, 3)
    small, large = 2 * 2**30, 64 * 2**30

    def place(memory: int, disk: int) -> str | None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(room, "memory_left", lambda: memory)
            patch.setattr(room, "disk_left", lambda root: disk)
            return str(room.check(shape, Path("disk")))

    assert place(small, large) == "disk"
    assert place(large, small) == "None"
    with pytest.raises(LutraError, match=r"100,000 images of 224 px take 14\.0 GiB; .*data\.size=79 would fit"):
        place(small, small)


def test_memory_that_runs_out_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "memory_left", lambda: 2**60)
    with pytest.raises(LutraError, match="images of 400000 px"):
        store.stored("", "key", (400, 400_000, 400_000, 3), lambda put: None)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("Unable to allocate 180. GiB for an array"),
        RuntimeError("[enforce fail]\nDefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
        torch.OutOfMemoryError("CUDA out of memory."),
        Exception("[ONNXRuntimeError] : Failed to allocate memory for requested buffer of size 8"),
    ],
    ids=str,
)
def test_memory_that_runs_out_in_a_command_is_one_line(error: Exception, tmp_path: Path, here: Here) -> None:
    def hungry(config: Config) -> None:
        raise error

    done = here(hungry, f"runs={tmp_path}")
    assert done.code == 2
    assert done.err.startswith("error: out of memory (")
    assert "data.size" in done.err
    assert done.err.count("\n") == 1


# --- cached hashes


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


# --- batches


def large(count: int) -> Dataset:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, 16, 16), dtype=torch.uint8, generator=generator)
    split = Split(images, torch.arange(count) % 10)
    return assemble("large", [str(i) for i in range(10)], split.at(np.arange(count)[::-1].copy()), split, split)


@pytest.mark.parametrize("count", [1, 200, 401])
def test_images_are_normalised_a_batch_at_a_time_as_all_at_once(count: int) -> None:
    data = large(count)
    images, _ = data.fixed(data.train, 0, 0)
    everything = data.normalize(data.train.images)
    parts = list(batches(images))
    assert [len(part) for part in parts] == [len(part) for part in batches(everything)]
    assert torch.equal(torch.cat(parts), everything)
    assert images.shape == everything.shape
    assert np.array_equal(images.numpy(), everything.contiguous().numpy())


def test_a_file_answers_alike_for_images_and_for_an_array() -> None:
    data = large(150)
    specs = tiny(3, 16, 10).decode(tiny(3, 16, 10).smallest)
    model = write(specs, random_weights(specs))
    images = data.fixed(data.train, 0, 0)[0]
    assert np.array_equal(file_logits(model, images), file_logits(model, images.numpy()))


def test_a_part_of_the_images_is_sent_alone() -> None:
    data = large(400)
    images = data.fixed(data.train, 10, 0)[0]
    sent = pickle.dumps(images)
    assert len(sent) < 50 * images.pixels[0].numel()
    assert torch.equal(pickle.loads(sent)[:], images[:])  # noqa: S301
    whole = io.BytesIO()
    pickle.dump(data.fixed(data.validation, 0, 0)[0], whole)
    assert whole.tell() < 450 * images.pixels[0].numel()


def test_halves_of_a_split_copy_no_image() -> None:
    data = large(400)
    half = data.train.at(np.arange(200)).at(np.arange(0, 200, 2))
    assert half.pixels is data.train.pixels
    assert torch.equal(half.images, data.train.images[0:200:2])
