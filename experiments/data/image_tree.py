"""A tree of class folders, on disk or in a tar archive: which images there are, of which class, for which split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from experiments.data.class_folders import Groups, Parts, group
from experiments.data.entries import SUFFIXES, Entry, entries, is_image
from search_spaces.errors import LutraError

LISTED = 6  # kinds of files that are passed over, named in one line


class Tree(NamedTuple):
    """`files[role]`: names and labels, ordered by name; the roles are train and, where they exist, validation, test."""

    classes: tuple[str, ...]
    files: Mapping[str, list[tuple[str, int]]]
    passed: str = ""  # what was passed over and why, in one line


def read_tree(path: str) -> Tree:
    """The images below `path`: <class>/<image>, or train/<class>/<image> beside test/ or val/; no image is decoded.

    Raises LutraError on no images, a class folder without any, a single class, other classes in another split.
    """
    return arrange(path, entries(path))


def arrange(path: str, found: Iterable[Entry]) -> Tree:
    """The tree that entries make."""
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
    told = _listed(passed, "")
    classes = _checked(path, groups, told)
    labels = {name: label for label, name in enumerate(classes)}
    files = {
        part: sorted(("/".join(file), labels[name]) for name in classes for file in groups[part][name])
        for part in groups
    }
    return Tree(tuple(classes), files, told)


def _checked(path: str, groups: Groups, passed: str) -> list[str]:
    """The classes."""
    there = f" (there are {passed})" if passed else ""
    for role, members in groups.items():
        if empty := sorted(name for name, files in members.items() if not files):
            raise LutraError(
                f"the class folder {empty[0]!r} ({role}) in {path} has no images{there}: fill it or remove it"
            )
    classes = sorted(groups["train"])
    for role, members in groups.items():
        if odd := sorted(set(classes) ^ set(members)):
            raise LutraError(f"train and {role} in {path} have different classes: {', '.join(odd)} in one of them only")
    if len(classes) < 2:
        raise LutraError(f"two class folders are the least; {path} has {len(classes)} ({', '.join(classes)}): add one")
    return classes


def _listed(passed: Counter[str], before: str) -> str:
    """Counts of what is passed over, the most frequent first."""
    kinds = [f"{count:,} {kind}" for kind, count in passed.most_common() if count]
    if len(kinds) > LISTED:
        kinds = [*kinds[:LISTED], f"{len(kinds) - LISTED} other kinds"]
    return before + ", ".join(kinds) if kinds else ""
