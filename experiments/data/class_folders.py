"""Decides which folders of a tree are classes, and which are splits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence

from search_spaces.errors import LutraError

Parts = tuple[str, ...]  # the names from the root to a file or folder
Groups = Mapping[str, Mapping[str, Sequence[Parts]]]  # split -> class -> images; an empty class folder has none

ROLES = ("train", "validation", "test")
WORDS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
ENDINGS = re.compile(r"(set|data|images?|imgs?|split)$")  # of training_set, test_images, val2017


def composed(name: str) -> str:
    """The name of a class with composed letters: macOS and its archives may write an accent as a letter of its own."""
    return unicodedata.normalize("NFC", name)


def role(name: str) -> str | None:
    """The split that a folder's name means, in any letter case; None for other names."""
    word = re.sub(r"[\W\d_]+", "", name.lower())
    return WORDS.get(word) or WORDS.get(ENDINGS.sub("", word))


def group(path: str, images: Iterable[Parts], folders: Iterable[Parts]) -> tuple[Groups, int]:
    """The images of every class of every split, and the number of images outside class folders.

    Skips folders that wrap the whole tree, also if single images lie beside the folders inside. Without splits, all
    images belong to the split train. Raises LutraError if it is unclear which folders are splits.
    """
    images, folders = set(images), set(folders)
    everything, places = images | folders, folders | {parts[:-1] for parts in images}
    depth = 0  # of the class folders, or of the splits
    while len(_names(depth, places)) == 1 and _wraps(depth, images):
        depth += 1
    roles = {name: found for name in sorted(_names(depth, places)) if (found := role(name))}
    split = "train" in roles.values() and len(set(roles.values())) > 1
    if split:
        _check_unique(path, roles)
    else:
        _check_classes(path, depth, images, _names(depth, folders))
    present = {"train", *roles.values()} if split else {"train"}
    groups: dict[str, dict[str, list[Parts]]] = {name: {} for name in ROLES if name in present}
    at, outside = depth + split, 0
    for parts in sorted(everything):
        is_image = parts in images
        part = roles.get(parts[depth]) if split and len(parts) > at else "train"
        if part is None or len(parts) <= at or (is_image and len(parts) == at + 1):
            outside += is_image  # beside the splits, or above the classes
            continue
        files = groups[part].setdefault(composed(parts[at]), [])
        if is_image:
            files.append(parts)
    return groups, outside


def _wraps(depth: int, images: Collection[Parts]) -> bool:
    """Whether the only folder at this depth holds folders of images, and at most a few images of its own."""
    inside = [parts for parts in images if len(parts) > depth + 2]
    several = len({parts[depth + 1] for parts in inside}) > 1
    return len(inside) == len(images) or (several and 2 * len(inside) > len(images))


def _check_unique(path: str, roles: Mapping[str, str]) -> None:
    for wanted in ROLES:
        names = [name for name, found in roles.items() if found == wanted]
        if len(names) > 1:
            raise LutraError(f"{' and '.join(names)} in {path} are both the {wanted} split: merge them, or rename one")


def _check_classes(path: str, depth: int, images: Iterable[Parts], classes: set[str]) -> None:
    """Raises LutraError if the supposed classes are splits, or contain splits."""
    inner: dict[str, set[str]] = {}  # class -> its subfolders with images
    direct = {parts[depth] for parts in images if len(parts) == depth + 2}
    for parts in images:
        if len(parts) > depth + 2:
            inner.setdefault(parts[depth], set()).add(parts[depth + 1])
    for name in sorted(inner):
        if role(name) and name not in direct and len(inner[name]) > 1:
            others = ", ".join(sorted(classes - {name})) or "nothing"
            raise LutraError(
                f"{name} in {path} contains class folders, as a split does, but beside it there is {others}: "
                "name the splits train and test, or rename this folder if it is a class"
            )
    found = {role(name) for name in set().union(*inner.values())}
    if inner and not direct and None not in found and len(found) > 1:
        name = min(inner)
        raise LutraError(
            f"the class folder {name} in {path} contains the splits {', '.join(sorted(inner[name]))}: "
            f"put the splits above the classes, as in {max(inner[name])}/{name}"
        )


def _names(depth: int, paths: Iterable[Parts]) -> set[str]:
    return {parts[depth] for parts in paths if len(parts) > depth}
