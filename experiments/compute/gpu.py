"""Whether torch computes on the CPU or on a GPU, answered without torch where no GPU can be there."""

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
    """`cpu` or `cuda`; `auto` is a GPU where torch sees one.

    Raises LutraError where `cuda` is asked for and there is no GPU.
    """
    if accelerator == "cpu":
        return "cpu"
    if _driver() and FOUND_BY_TORCH():
        return "cuda"
    if accelerator == "cuda":
        raise LutraError(
            f"accelerator=cuda needs a GPU, and torch {version('torch')} sees none: install its driver and a torch "
            "that is built for CUDA (pytorch.org), or add accelerator=cpu"
        )
    return "cpu"


@cache
def _driver() -> bool:
    """Whether a GPU may be there: its driver can be opened, or torch is built for GPUs with another one."""
    if "rocm" in version("torch"):
        return True
    try:
        ctypes.CDLL(DRIVER)
    except OSError:
        return False
    return True
