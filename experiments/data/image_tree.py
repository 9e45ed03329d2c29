"""The images of a tree of class folders, on disk or in an archive, with their classes and splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from experiments.data.class_folders import Groups, Parts, group
from experiments.data.entries import entries
from experiments.data.entry import Entry, is_image
from predictors.board.image_decoding import SUFFIXES
from search_spaces.errors import LutraError, listed

LISTED = 6  # kinds of skipped files named in one line


class Tree(NamedTuple):
    """`files[role]`: names and labels, ordered by name; roles are train and, if they exist, validation and test."""

    classes: tuple[str, ...]
    files: Mapping[str, list[tuple[str, int]]]
    passed: str = ""  # which files were skipped and why, in one line


def read_tree(path: str) -> Tree:
    """The images below `path`: <class>/<image>, or train/<class>/<image> beside test/ or val/; decodes none.

    Raises LutraError for no images, an empty class folder, a single class, or different classes in different splits.
    """
    return arrange(path, entries(path))


def arrange(path: str, found: Iterable[Entry]) -> Tree:
    """Arranges entries into a tree."""
    images: set[Parts] = set()
    folders: set[Parts] = set()
    passed: Counter[str] = Counter()
    for entry in found:
        if entry.passed:
            passed[entry.passed] += 1
            continue
        folders.add(entry.parts if entry.read is None else entry.parts[:-1])
        if entry.read and not is_image(entry.parts):
            passed[Path(entry.parts[-1]).suffix.lower() or "without a suffix"] += 1
        elif entry.read and len(entry.parts) > 1:
            images.add(entry.parts)
        elif entry.read:
            passed["outside the class folders"] += 1
    if not images:
        kinds = f"<class>/<image>, ending in {', '.join(SUFFIXES)}"
        raise LutraError(f"{path} has no images in class folders: {kinds}{_listed(passed, '; there are ')}")
    groups, outside = group(path, images, folders)
    passed["outside the class folders"] += outside
    skipped = _listed(passed, "")
    classes = _checked(path, groups, skipped)
    labels = {name: label for label, name in enumerate(classes)}
    files = {
        part: sorted(("/".join(file), labels[name]) for name in classes for file in groups[part][name])
        for part in groups
    }
    return Tree(tuple(classes), files, skipped)


def _checked(path: str, groups: Groups, passed: str) -> list[str]:
    """The classes, after checking them."""
    there = f" (there are {passed})" if passed else ""
    for role, members in groups.items():
        if empty := sorted(name for name, files in members.items() if not files):
            which = f"{listed([*map(repr, empty)])} ({role}) in {path}"
            if len(empty) == 1:
                raise LutraError(f"the class folder {which} has no images{there}: fill it or remove it")
            raise LutraError(f"the class folders {which} have no images{there}: fill them or remove them")
    classes = sorted(groups["train"])
    for role, members in groups.items():
        if odd := sorted(set(classes) ^ set(members)):
            raise LutraError(f"train and {role} in {path} have different classes: {', '.join(odd)} in one of them only")
    if len(classes) < 2:
        raise LutraError(
            f"at least two class folders are needed; {path} has {len(classes)} ({', '.join(classes)}): add one"
        )
    return classes


def _listed(passed: Counter[str], before: str) -> str:
    """The number of skipped files of each kind, most frequent first."""
    kinds = [f"{count:,} {kind}" for kind, count in passed.most_common() if count]
    if len(kinds) > LISTED:
        kinds = [*kinds[:LISTED], f"{len(kinds) - LISTED} other kinds"]
    return before + ", ".join(kinds) if kinds else ""
