"""Where torch trains and evaluates: the CPU or a GPU. Files for the board are written and checked on the CPU."""

from __future__ import annotations

import os

import torch

from experiments.compute.gpu import computes_on


def accelerator(name: str) -> torch.device:
    """The device; `auto` is a GPU if torch finds one. Raises LutraError for `cuda` without a GPU."""
    return torch.device(computes_on(name))


def memory() -> float:
    """Bytes of the GPU's memory."""
    return float(torch.cuda.get_device_properties(0).total_memory)


def repeatable() -> None:
    """Makes results reproducible bit for bit; on CUDA as far as its kernels allow: torch warns where they do not.

    float32 is computed in float32: TensorFloat-32 is, like bfloat16, too coarse for networks that differ little.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # makes cuBLAS deterministic
    torch.backends.cudnn.allow_tf32 = False
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
