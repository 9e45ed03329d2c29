"""Several processes that train one supernet: torchrun --nproc_per_node=2 -m experiments.train."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from experiments.display.progress import console
from predictors.agent.children import die_with_parent
from search_spaces.errors import LutraError

Work = Callable[[Path], None]


BACKENDS = {"cpu": "gloo", "cuda": "cpu:gloo,cuda:nccl"}  # for exchanging tensors


@contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """If torchrun started this process, joins the others that it started; only the first process prints.

    On GPUs, each process has its own. Raises LutraError if there are too few GPUs.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield
        return
    die_with_parent()  # workers of a killed torchrun would otherwise keep training
    if device.type == "cuda":
        torch.cuda.set_device(own_gpu(int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()))
    distributed.init_process_group(BACKENDS[device.type])
    console.quiet = not leading()
    try:
        yield
        distributed.barrier()  # no process leaves while another still communicates with it
    finally:
        distributed.destroy_process_group()


def own_gpu(process: int, gpus: int) -> int:
    """The GPU of a process on this machine, counted from 0."""
    if process >= gpus:
        raise LutraError(f"torchrun started more processes than there are GPUs: --nproc_per_node={gpus}")
    return process


def size() -> int:
    return distributed.get_world_size() if distributed.is_initialized() else 1


def leading() -> bool:
    """Whether this is the first process, which writes the files."""
    return not distributed.is_initialized() or distributed.get_rank() == 0


def together(step: Callable[[Work], Path], work: Work) -> Path:
    """The result of `step(work)`: the first process calls it; if it calls the work, all processes do the work."""
    if size() == 1:
        return step(work)
    if leading():

        def announced(folder: Path) -> None:
            _share((folder, True))
            work(folder)

        folder = step(announced)
        _share((folder, False))
        return folder
    while True:
        folder, wanted = _share(None)
        if not wanted:
            return folder
        work(folder)


def _share(message: tuple[Path, bool] | None) -> tuple[Path, bool]:
    """Broadcasts the first process's message to all."""
    messages = [message]
    distributed.broadcast_object_list(messages)
    assert messages[0] is not None
    return messages[0]


def parallel(model: nn.Module) -> nn.Module:
    """The model with gradients averaged over the processes."""
    if size() == 1:
        return model
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # older versions of torch lack the new name
        return DistributedDataParallel(model, broadcast_buffers=False, find_unused_parameters=True)


def check(batch: int) -> None:
    """Raises LutraError if a batch cannot be divided evenly among the processes."""
    if batch % size():
        raise LutraError(f"a batch of {batch} images cannot be shared by {size()} processes: change train.batch")


def part(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """This process's part of a batch."""
    if size() == 1:
        return images, labels
    mine = slice(distributed.get_rank(), None, size())
    return images[mine].contiguous(memory_format=torch.channels_last), labels[mine]


def mean(value: float) -> float:
    """The mean of a number over the processes."""
    if size() == 1:
        return value
    total = torch.tensor(value, dtype=torch.float64)
    distributed.all_reduce(total)
    return total.item() / size()
