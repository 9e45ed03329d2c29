"""The names of a data set: a user's own images are called as their folder or archive is, unless they have a title."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

OWN = "image_folder"  # the name of every user's own images
LABEL = 40  # most letters of a data set's name in a folder's name
ARCHIVE = re.compile(r"\.(tar|tgz|tar\.\w+|zip)$", re.IGNORECASE)


class Names(NamedTuple):
    file: str  # of the user's folder or archive; empty for other images
    title: str  # for people
    label: str  # in the names of folders, which TensorBoard shows


def file_name(name: str, path: str) -> str:
    """The name of the user's folder or archive, also for a path such as `.`; empty for other images."""
    return os.path.basename(os.path.abspath(path)) if name == OWN and path else ""


def names(name: str, file: str, title: str) -> Names:
    title = title or ARCHIVE.sub("", file) or name
    return Names(file, title, re.sub(r"[^\w.+-]+", "_", title).strip("._")[:LABEL] or name)
