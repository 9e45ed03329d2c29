"""A few digits, and a network for them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch

from experiments.data.dataset import Dataset
from experiments.data.published import digits
from search_spaces.networks.network import Network
from search_spaces.space import Arch
from search_spaces.spaces.tiny import tiny
from search_spaces.training.recipe import NetworkRecipe

SPACE = tiny(1, 16, 10)
BASE = NetworkRecipe(6, 16, 0.05, amp=False)
PARTS: dict[str, dict[str, Any]] = {  # setting -> a recipe with this part alone
    "alternating_flip": {"alternating_flip": True},
    "reflect": {"reflect": True},
    "cutout": {"cutout": 0.5},
    "mixup": {"mixup": 0.4},
    "resized_crop": {"resized_crop": 0.3},
    "randaugment": {"randaugment": 9},
    "bias_rate": {"bias_rate": 8.0},
    "muon": {"muon": 0.02},
    "half_resolution": {"half_resolution": 0.5},
    "all_images": {"all_images": True},
}


@cache
def data() -> Dataset:
    """Returns few digits, which here may be mirrored, so that a few steps are several epochs."""
    whole = digits("", 16, 0.2, 0)
    return replace(whole, train=whole.train.at(np.arange(40)), validation=whole.validation.at(np.arange(8)), flip=True)


def network(arch: Arch = SPACE.reference) -> Network:
    torch.manual_seed(0)
    return Network([spec for spec in SPACE.decode(arch) if spec.convs])
