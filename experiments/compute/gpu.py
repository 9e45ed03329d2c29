"""Whether torch computes on the CPU or a GPU; answered without importing torch if there can be no GPU."""

from __future__ import annotations

import ctypes
from functools import cache
from importlib.metadata import version

from experiments.config.reference import Reference
from search_spaces.errors import LutraError

ACCELERATORS = ("cpu", "cuda", "auto")
DRIVER = "libcuda.so.1"
FOUND_BY_TORCH = Reference("torch.cuda:is_available")


def computes_on(accelerator: str) -> str:
    """`cpu` or `cuda`; `auto` is a GPU if torch finds one.

    Raises LutraError for `cuda` without a GPU.
    """
    if accelerator == "cpu":
        return "cpu"
    if _driver() and FOUND_BY_TORCH():
        return "cuda"
    if accelerator == "cuda":
        raise LutraError(
            f"accelerator=cuda needs a GPU, but torch {version('torch')} finds none: install its driver and a torch "
            "that is built for CUDA (pytorch.org), or add accelerator=cpu"
        )
    return "cpu"


@cache
def _driver() -> bool:
    """Whether there may be a GPU: its driver can be opened, or torch is built for another kind of GPU."""
    if "rocm" in version("torch"):
        return True
    try:
        ctypes.CDLL(DRIVER)
    except OSError:
        return False
    return True
