"""The user's own images: a tree of class folders, or an archive of one, resized."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import PIL
import torch

from experiments.data import DECODER, kept
from experiments.data.class_folders import ROLES
from experiments.data.dataset import Dataset, Progress, Split, assemble, untracked
from experiments.data.entries import entries
from experiments.data.groups import groups_of, hold_out_groups
from experiments.data.image_hashes import Contents, contents, read
from experiments.data.near_duplicates import ALIKE, Near, near_duplicates
from experiments.data.splits import TEST_FRACTION, TEST_SEED, check, hold_out
from experiments.data.store import Put, stored
from experiments.data.summary import grouped, leaks, summary
from predictors.board.image_decoding import Unreadable, decode
from search_spaces.errors import LutraError, listed

Rows = Mapping[str, np.ndarray]  # by split, into the list of all images


def image_folder(
    path: str,
    size: int,
    validation: float,
    seed: int,
    progress: Progress = untracked,
    cache: str = "",
    group: str = "",
) -> Dataset:
    """RGB images of `size` x `size` pixels; see `image_tree` for the layout of the tree, and `store` for `cache`.

    Without a test folder a fifth is held out, the same for every seed; without a val folder, `validation` of the rest.
    Images of one group, by the pattern `group`, are drawn into the same split; see `groups`.
    """
    check(size, validation, seed)
    found = contents(path, cache)
    files = [file for members in found.tree.files.values() for file in members]
    names, labels = [name for name, _ in files], np.array([label for _, label in files])
    groups = groups_of(group, names, [found.tree.classes[label] for label in labels]) if group else None
    rows = _split(found, labels, validation, seed, groups)
    key = ["image_folder", DECODER, PIL.__version__, found.pixels, size]
    shape = (len(names), size, size, 3)
    pixels = stored(cache, key, shape, lambda put: load(path, names, found.sha256, size, progress, put))
    everything = Split(pixels, torch.from_numpy(labels))
    train, selection, test = (everything.at(rows[role]) for role in ("train", "validation", "test"))
    data = assemble("image_folder", found.tree.classes, train, selection, test, cache=cache, pixels=key)
    counts = {role: np.bincount(labels[rows[role]], minlength=len(data.classes)) for role in ROLES}
    formats = [found.formats.get(name, "") for name in names]
    lines = summary(data.classes, counts, [*found.tree.files], formats, size) + leaks(
        _near(data, cache, key, rows), group
    )
    if groups is not None:
        lines += grouped({role: groups[rows[role]] for role in ROLES})
    return replace(data, passed=found.tree.passed, summary=tuple(lines))


def _near(data: Dataset, cache: str, pixels: Any, rows: Rows) -> Mapping[str, Near]:
    """The near-duplicates of training images in the other splits, which are counted once."""
    key = ["near duplicates", ALIKE, pixels, [hashlib.sha256(rows[role].tobytes()).hexdigest() for role in ROLES]]
    known = dict(kept.load(cache, key))
    if not known:
        known = {role: [*near_duplicates(getattr(data, role), data.train)] for role in ROLES[1:]}
        kept.keep(cache, key, known)
    return {role: Near(*counts) for role, counts in known.items()}


def _split(found: Contents, labels: np.ndarray, validation: float, seed: int, groups: np.ndarray | None = None) -> Rows:
    """The rows of train, validation and test, each ascending."""
    ends = np.cumsum([0, *map(len, found.tree.files.values())])
    rows = {role: np.arange(*ends[place : place + 2]) for place, role in enumerate(found.tree.files)}
    for role, fraction, draw in (("test", TEST_FRACTION, TEST_SEED), ("validation", validation, seed)):
        if role not in rows:
            rest, how = rows["train"], (fraction, draw, role, found.tree.classes)
            if groups is None:
                stay, held = hold_out(labels[rest], *how)
            else:
                stay, held = hold_out_groups(labels[rest], groups[rest], *how)
            rows["train"], rows[role] = rest[stay], rest[held]
    return rows


def load(path: str, names: Sequence[str], sha256: Mapping[str, str], size: int, progress: Progress, put: Put) -> None:
    """Decodes the named images below `path` and puts each in its place.

    Raises LutraError that names all images that cannot be decoded, or one that was changed since the list was made.
    """
    rows = {name: row for row, name in enumerate(names)}
    missing = set(names)
    broken: dict[str, Unreadable] = {}
    for name, content in progress(_wanted(path, rows), len(names)):
        if hashlib.sha256(content).hexdigest() == sha256[name]:  # of duplicates in an archive, the last one
            missing.discard(name)
            try:
                pixels = decode(f"{path}/{name}", partial(bytes, content), size)
            except Unreadable as error:
                broken[name] = error
            else:
                put(rows[name], pixels[None])
    if missing:
        raise LutraError(f"{path}/{min(missing)} was changed while {path} was read: run the command again")
    if len(broken) == 1:
        raise next(iter(broken.values()))
    if broken:
        each = listed([f"{name} ({error.reason})" for name, error in broken.items()])
        raise LutraError(f"{len(broken):,} images in {path} cannot be read: {each}: replace them or remove them")


def _wanted(path: str, names: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
    for entry in entries(path):
        name = "/".join(entry.parts)
        if name in names and entry.read:
            yield name, read(path, name, entry)
