"""Where torch trains and evaluates: on the CPU, or on a GPU. What a board runs is written and checked by the CPU."""

from __future__ import annotations

import os

import torch

from search_spaces.errors import LutraError

ACCELERATORS = ("cpu", "cuda", "auto")


def accelerator(name: str) -> torch.device:
    """`auto` is a GPU where torch sees one. Raises LutraError where `cuda` is asked for and there is none."""
    if name == "cuda" and not torch.cuda.is_available():
        raise LutraError(
            f"accelerator=cuda needs a GPU, and torch {torch.__version__} sees none: install its driver and a torch "
            "that is built for CUDA (pytorch.org), or add accelerator=cpu"
        )
    return torch.device("cuda" if name == "cuda" or (name == "auto" and torch.cuda.is_available()) else "cpu")


def repeatable() -> None:
    """The same work gives the same bits. Of CUDA as far as its kernels can: where one cannot, torch warns.

    float32 is computed in float32: TensorFloat-32 has bfloat16's trouble with networks that differ by little.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS has no order of its own
    torch.backends.cudnn.allow_tf32 = False
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
