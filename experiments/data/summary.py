"""What a user's images are, in lines that are printed before anything trains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from experiments.data.groups import shared
from experiments.data.near_duplicates import Near

LISTED = 20  # most classes listed one by one
UNEVEN = 1.5  # times as many images in the largest class as in the smallest
WORDS = {"train": "training", "validation": "validation", "test": "test"}
COLOURS = {"RGB": "in colour", "L": "grey", "1": "black and white", "P": "with a palette", "RGBA": "with transparency"}


def summary(
    classes: Sequence[str], counts: Mapping[str, np.ndarray], own: Sequence[str], formats: Sequence[str], size: int
) -> list[str]:
    """The lines. `counts`: images by split and class; `own`: the splits that are folders of the tree."""
    total = sum(int(one.sum()) for one in counts.values())
    drawn = [WORDS[role] for role in counts if role not in own]
    parts = ", ".join(f"{int(one.sum()):,} {WORDS[role]}" for role, one in counts.items())
    origin = f" ({' and '.join(drawn)} images drawn from the others)" if drawn else " (as the folders say)"
    lines = [f"{total:,} images of {len(classes)} classes: {parts}{origin}", _classes(classes, counts)]
    lines += [line for line in (_formats(formats, size), _uneven(classes, counts)) if line]
    return lines


def _classes(classes: Sequence[str], counts: Mapping[str, np.ndarray]) -> str:
    """The images of each class by split; of many classes, those with the fewest and the most."""
    order = np.argsort(np.sum([*counts.values()], axis=0), kind="stable")
    shown = range(len(classes)) if len(classes) <= LISTED else [*order[: LISTED // 2], *order[-LISTED // 2 :]]
    each = [f"{classes[at]} {'+'.join(str(int(one[at])) for one in counts.values())}" for at in shown]
    some = "" if len(classes) <= LISTED else f"of the {LISTED // 2} smallest and {LISTED // 2} largest classes, "
    return f"images per class, {some}{'+'.join(WORDS[role] for role in counts)}: {', '.join(each)}"


def _formats(formats: Sequence[str], size: int) -> str:
    """Sizes and colours of the files."""
    known = [one.split(" ") for one in formats if one]
    if not known:
        return ""
    sides = [tuple(map(int, one[0].split("x"))) for one in known]
    small, large = (f"{one[0]}x{one[1]}" for one in (min(sides, key=min), max(sides, key=min)))
    colours = Counter(COLOURS.get(one[1], one[1]) for one in known)
    sizes = small if len(set(sides)) == 1 else f"{small} to {large}"
    enlarged = sum(min(one) < size for one in sides)
    more = f"; {enlarged:,} are smaller and are enlarged" if enlarged else ""
    kinds = ", ".join(f"{count:,} {name}" for name, count in colours.most_common())
    return f"sizes {sizes} pixels, {kinds}; the central square is resized to {size}x{size} in colour{more}"


def _uneven(classes: Sequence[str], counts: Mapping[str, np.ndarray]) -> str:
    every = np.sum([*counts.values()], axis=0)
    least, most = int(np.argmin(every)), int(np.argmax(every))
    if every[most] <= UNEVEN * every[least]:
        return ""
    return (
        f"the classes are uneven, from {every[least]:,} images ({classes[least]}) to {every[most]:,} "
        f"({classes[most]}): look at the balanced accuracy too; data.balanced=true trains on all classes alike"
    )


def grouped(groups: Mapping[str, np.ndarray]) -> list[str]:
    """What data.group has made, with a warning where the tree's own folders split a group. `groups`: by split."""
    sizes = ", ".join(f"{len(np.unique(one)):,} {WORDS[role]}" for role, one in groups.items())
    split = {role: shared(one, groups["train"]) for role, one in groups.items() if role != "train"}
    return [f"groups of images that stay together: {sizes}"] + [
        f"warning: {count:,} of {len(groups[role]):,} {WORDS[role]} images are of a group that training images have "
        "too, as the folders say: move all images of a group into one folder"
        for role, count in split.items()
        if count
    ]


def leaks(found: Mapping[str, Near], group: str = "") -> list[str]:
    """Warnings about near-duplicates, by the split that has them. `group`: the pattern of groups, if there is one."""
    how = f"another pattern than data.group={group}" if group else "data.group=PATTERN"
    return [
        f"warning: {near.alike:,} of {near.checked:,} {WORDS[role]} images look almost the same as a training image: "
        "if they show the same thing, their accuracy says little about new images; keep all images of one thing in one "
        f"split, by folders or {how}"
        for role, near in found.items()
        if near.alike
    ]
