"""One's own images: a tree of class folders, or its archive, resized and in memory."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from experiments.data.dataset import Dataset, Progress, Split, assemble, untracked
from experiments.data.entries import Entry, entries
from experiments.data.image_tree import Tree, read_tree
from experiments.data.splits import TEST_FRACTION, TEST_SEED, check, hold_out
from search_spaces.errors import LutraError

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "PPM")  # by content: no other decoder is ever called


def image_folder(path: str, size: int, validation: float, seed: int, progress: Progress = untracked) -> Dataset:
    """RGB images of `size` x `size` pixels; see `image_tree` for how the tree is read.

    Without a test folder a fifth is drawn, the same for every seed; without a val folder `validation` of the rest is.
    """
    check(size, validation, seed)
    tree = read_tree(path)
    files = _split(tree, validation, seed)
    names = [name for role in files for name, _ in files[role]]
    images = load(path, names, size, progress)
    parts = dict(zip(files, images.split([len(members) for members in files.values()])))
    splits = {role: Split(parts[role], torch.tensor([label for _, label in files[role]])) for role in files}
    return assemble("image_folder", tree.classes, splits["train"], splits["validation"], splits["test"])


def _split(tree: Tree, validation: float, seed: int) -> dict[str, list[tuple[str, int]]]:
    """Names and labels of train, validation and test."""
    files = dict(tree.files)
    for role, fraction, draw in (("test", TEST_FRACTION, TEST_SEED), ("validation", validation, seed)):
        if role not in files:
            rest = files["train"]
            kept, held = hold_out(np.array([label for _, label in rest]), fraction, draw, role, tree.classes)
            files["train"], files[role] = [rest[i] for i in kept], [rest[i] for i in held]
    return files


def load(path: str, names: Sequence[str], size: int, progress: Progress) -> Tensor:
    """The named images below `path`, uint8 [N, 3, size, size]. Raises LutraError on one that cannot be decoded."""
    rows = {name: row for row, name in enumerate(names)}
    missing = set(names)
    images = np.empty((len(names), size, size, 3), np.uint8)
    for name, entry in progress(_wanted(entries(path), rows), len(names)):
        assert entry.read is not None
        images[rows[name]] = decode(f"{path}/{name}", entry.read, size)
        missing.discard(name)
    if missing:
        raise LutraError(f"{min(missing)} has gone from {path} while it was read: run the command again")
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def _wanted(found: Iterable[Entry], names: Iterable[str]) -> Iterator[tuple[str, Entry]]:
    named = (("/".join(entry.parts), entry) for entry in found)
    return (pair for pair in named if pair[0] in names and pair[1].read)


def decode(name: str, read: Callable[[], bytes], size: int) -> np.ndarray:
    """uint8 [size, size, 3]: an image's central square, resized. Raises LutraError where it cannot be decoded."""
    try:
        with Image.open(io.BytesIO(read()), formats=FORMATS) as image:
            if image.mode.startswith(("I", "F")):
                raise ValueError("more than 8 bits a channel")
            image.draft("RGB", (2 * size, 2 * size))  # a JPEG far too large is decoded at 1/2, 1/4 or 1/8
            rgb = image.convert("RGB")
    except Exception as error:  # PIL's decoders raise a dozen types
        reason = "unknown or damaged" if isinstance(error, Image.UnidentifiedImageError) else error
        raise LutraError(f"{name} cannot be read as an image ({reason}): replace it or remove it") from error
    return square(rgb, size)


def square(rgb: Image.Image, size: int) -> np.ndarray:
    """uint8 [size, size, 3]: the central square, resized."""
    side = min(rgb.size)
    left, top = ((length - side) / 2 for length in rgb.size)
    box = (left, top, left + side, top + side)
    return np.asarray(rgb.resize((size, size), Image.Resampling.BILINEAR, box=box, reducing_gap=2.0))
