"""The order of training images: an endless sequence of which batches are consecutive parts.

Every function is pure, so a resumed training sees the same images.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

ORDER, CLASSES, MEMBERS = 1, 9, 10  # random streams from one seed, beside those of `dataset` and `augmentation`


def shuffled(count: int, first: int, size: int, seed: int) -> np.ndarray:
    """Indices `first` to `first + size` of the endless sequence of permutations of `count` images."""
    epochs = range(first // count, (first + size - 1) // count + 1)
    row = np.concatenate([_permutation(count, seed, epoch) for epoch in epochs])
    return row[first - epochs[0] * count :][:size]


def balanced(members: Sequence[np.ndarray], first: int, size: int, seed: int) -> np.ndarray:
    """Indices `first` to `first + size` of an endless sequence in which all classes are equally frequent.

    `members`: the indices of each class's images. Each round has one image of every class, in random order; a class
    repeats its images only after all of them were drawn.
    """
    rounds, places = np.divmod(np.arange(first, first + size), len(members))
    orders = {one: _order(len(members), CLASSES, seed, one) for one in set(rounds.tolist())}
    labels = np.array([orders[one][place] for one, place in zip(rounds.tolist(), places)])
    drawn = np.empty(size, np.int64)
    for label in set(labels.tolist()):
        own, at = members[label], labels == label
        epochs, ranks = np.divmod(rounds[at], len(own))
        each = {one: own[_order(len(own), MEMBERS, seed, label, one)] for one in set(epochs.tolist())}
        drawn[at] = [each[epoch][rank] for epoch, rank in zip(epochs.tolist(), ranks)]
    return drawn


@lru_cache(maxsize=4)
def _permutation(count: int, seed: int, epoch: int) -> np.ndarray:
    return _order(count, ORDER, seed, epoch)


def _order(count: int, *stream: int) -> np.ndarray:
    """A permutation of `count` numbers, another one for each stream."""
    return np.random.default_rng(stream).permutation(count)
