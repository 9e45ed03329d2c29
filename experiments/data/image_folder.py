"""The user's own images: a tree of class folders, or an archive of one, resized."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import PIL
import torch

from experiments.data import DECODER
from experiments.data.dataset import Dataset, Progress, Split, assemble, untracked
from experiments.data.entries import entries
from experiments.data.image_hashes import Contents, contents, read
from experiments.data.splits import TEST_FRACTION, TEST_SEED, check, hold_out
from experiments.data.store import Put, stored
from predictors.board.image_decoding import decode
from search_spaces.errors import LutraError

Rows = Mapping[str, np.ndarray]  # by split, into the list of all images


def image_folder(
    path: str, size: int, validation: float, seed: int, progress: Progress = untracked, cache: str = ""
) -> Dataset:
    """RGB images of `size` x `size` pixels; see `image_tree` for the layout of the tree, and `store` for `cache`.

    Without a test folder a fifth is held out, the same for every seed; without a val folder, `validation` of the rest.
    """
    check(size, validation, seed)
    found = contents(path, cache)
    files = [file for members in found.tree.files.values() for file in members]
    names, labels = [name for name, _ in files], np.array([label for _, label in files])
    rows = _split(found, labels, validation, seed)
    key = ["image_folder", DECODER, PIL.__version__, found.pixels, size]
    shape = (len(names), size, size, 3)
    pixels = stored(cache, key, shape, lambda put: load(path, names, found.sha256, size, progress, put))
    everything = Split(pixels, torch.from_numpy(labels))
    train, selection, test = (everything.at(rows[role]) for role in ("train", "validation", "test"))
    data = assemble("image_folder", found.tree.classes, train, selection, test, cache=cache, pixels=key)
    return replace(data, passed=found.tree.passed)


def _split(found: Contents, labels: np.ndarray, validation: float, seed: int) -> Rows:
    """The rows of train, validation and test, each ascending."""
    ends = np.cumsum([0, *map(len, found.tree.files.values())])
    rows = {role: np.arange(*ends[place : place + 2]) for place, role in enumerate(found.tree.files)}
    for role, fraction, draw in (("test", TEST_FRACTION, TEST_SEED), ("validation", validation, seed)):
        if role not in rows:
            rest = rows["train"]
            kept, held = hold_out(labels[rest], fraction, draw, role, found.tree.classes)
            rows["train"], rows[role] = rest[kept], rest[held]
    return rows


def load(path: str, names: Sequence[str], sha256: Mapping[str, str], size: int, progress: Progress, put: Put) -> None:
    """Decodes the named images below `path` and puts each in its place.

    Raises LutraError if one cannot be decoded, or was changed since the list was made.
    """
    rows = {name: row for row, name in enumerate(names)}
    missing = set(names)
    for name, content in progress(_wanted(path, rows), len(names)):
        if hashlib.sha256(content).hexdigest() == sha256[name]:  # of duplicates in an archive, the last one
            put(rows[name], decode(f"{path}/{name}", partial(bytes, content), size)[None])
            missing.discard(name)
    if missing:
        raise LutraError(f"{path}/{min(missing)} was changed while {path} was read: run the command again")


def _wanted(path: str, names: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    for entry in entries(path):
        name = "/".join(entry.parts)
        if name in names and entry.read:
            yield name, read(path, name, entry)
