"""Where torch trains and evaluates: on the CPU, or on a GPU. What a board runs is written and checked by the CPU."""

from __future__ import annotations

import os

import torch

from experiments.compute.gpu import computes_on


def accelerator(name: str) -> torch.device:
    """`auto` is a GPU where torch sees one. Raises LutraError where `cuda` is asked for and there is none."""
    return torch.device(computes_on(name))


def memory() -> float:
    """Bytes of the GPU."""
    return float(torch.cuda.get_device_properties(0).total_memory)


def repeatable() -> None:
    """The same work gives the same bits. Of CUDA as far as its kernels can: where one cannot, torch warns.

    float32 is computed in float32: TensorFloat-32 has bfloat16's trouble with networks that differ by little.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS has no order of its own
    torch.backends.cudnn.allow_tf32 = False
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
