"""A user's images are described before anything trains; near-duplicates across splits are counted."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from experiments.config import DataConfig
from experiments.data.dataset import Split
from experiments.data.image_folder import image_folder
from experiments.data.near_duplicates import near_duplicates
from experiments.setup import images
from tests.experiments.image_files import photo, write_photos, write_zip


def frame(seed: int, number: int) -> Image.Image:
    """The same thing a moment later: moved by a pixel, in other light, compressed again."""
    rng = np.random.default_rng(1_000 * seed + number)
    left, top = rng.integers(0, 2, 2)
    moved = photo(seed, 64).crop((left, top, left + 63, top + 63)).point(lambda level: int(0.85 * level))
    file = io.BytesIO()
    moved.save(file, "JPEG", quality=60)
    return Image.open(file)


def split(pictures: list[Image.Image]) -> Split:
    pixels = [np.asarray(one.convert("RGB").resize((32, 32))) for one in pictures]
    return Split(torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2), torch.zeros(len(pixels), dtype=torch.long))


def test_frames_of_one_thing_are_near_duplicates_and_other_images_are_not() -> None:
    train = split([photo(seed) for seed in range(40)])
    frames = split([frame(seed, 1) for seed in range(20)])
    others = split([photo(seed) for seed in range(100, 130)])
    assert near_duplicates(frames, train) == (20, 20)
    assert near_duplicates(others, train) == (0, 30)


def test_images_of_one_colour_are_like_none() -> None:
    plain = split([Image.new("RGB", (32, 32), (level, level, level)) for level in (0, 90, 255)])
    assert near_duplicates(plain, plain).alike == 0


def test_a_large_split_is_checked_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.data.near_duplicates.MOST", 100)
    pictures = split([photo(seed) for seed in range(20)])
    assert near_duplicates(pictures, pictures) == (5, 5)


def test_the_summary_counts_what_is_there(tmp_path: Path) -> None:
    root = write_photos(
        tmp_path / "signs",
        Training__stop=[photo(seed) for seed in range(20)],
        Training__yield=[photo(seed, 16) for seed in range(50, 58)],
        Testing__stop=[photo(seed).convert("L") for seed in range(70, 75)],
        Testing__yield=[photo(seed) for seed in range(80, 84)],
    )
    (root / "Training" / "stop" / "scan.tiff").write_bytes(b"")
    (root / "Training" / "stop" / "phone.HEIC").write_bytes(b"")
    (root / "Training" / "stop" / "noname").write_bytes(b"")
    data = image_folder(str(root), 32, 0.25, 0)
    told = "\n".join(data.summary)
    assert "37 images of 2 classes: 21 training, 7 validation, 9 test (validation images drawn from the others)" in told
    assert "stop 15+5+5, yield 6+2+4" in told
    assert "sizes 16x16 to 40x40 pixels, 32 in colour, 5 grey" in told
    assert "8 are smaller" in told
    assert "uneven, from 12 images (yield) to 25 (stop)" in told
    assert "warning" not in told
    for kind in (".tiff", ".heic", "without a suffix"):
        assert f"1 {kind}" in data.passed


@pytest.mark.parametrize("archived", [False, True])
def test_a_leak_is_told_also_by_the_next_command(tmp_path: Path, archived: bool) -> None:
    root = write_photos(
        tmp_path / "signs",
        train__a=[photo(seed) for seed in range(8)],
        train__b=[photo(seed) for seed in range(20, 28)],
        val__a=[photo(seed) for seed in range(40, 43)],
        val__b=[photo(seed) for seed in range(50, 53)],
        test__a=[frame(seed, 1) for seed in range(4)],
        test__b=[photo(seed) for seed in range(60, 64)],
    )
    path = write_zip(tmp_path / "signs.zip", root) if archived else root
    first, second = (image_folder(str(path), 32, 0.25, 0, cache=str(tmp_path / "cache")) for _ in range(2))
    assert first.summary == second.summary
    (line,) = (line for line in first.summary if line.startswith("warning"))
    assert "4 of 8 test images look almost the same as a training image" in line


def test_the_summary_is_printed_where_images_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_photos(tmp_path / "pets", cat=[photo(n) for n in range(9)], dog=[photo(n) for n in range(20, 29)])
    told: list[str] = []
    monkeypatch.setattr(images.console, "print", lambda line="", **_: told.append(str(line)))
    data = images.dataset_of(DataConfig("image_folder", str(root), 32))
    assert data.summary
    assert [line for line in told if line in data.summary] == [*data.summary]
