"""Tests data sets that do not fit in memory or on the disk, which are refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from experiments.config import Config
from experiments.data import DATASETS, room, store
from search_spaces.errors import LutraError
from tests.commands import Here


@pytest.mark.parametrize("name", ["image_folder", "digits"])
@pytest.mark.parametrize("cached", [False, True])
def test_more_than_there_is_room_for_is_refused_before_it_is_read(
    tmp_path: Path, pets: Path, name: str, cached: bool
) -> None:
    def progress(items, total):  # type: ignore[no-untyped-def]
        pytest.fail("images are read")

    size = 1_000_000  # pixels per side: some TB in all
    with pytest.raises(LutraError) as caught:
        DATASETS[name](str(pets), size, 0.2, 0, progress, str(tmp_path / "cache") if cached else "")
    assert "GiB" in str(caught.value)
    assert "data.size=" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_100_000_images_of_224_px_need_no_memory() -> None:
    shape = (100_000, 224, 224, 3)
    small, large = 2 * 2**30, 64 * 2**30

    def place(memory: int, disk: int) -> str | None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(room, "memory_left", lambda: memory)
            patch.setattr(room, "disk_left", lambda root: disk)
            return str(room.check(shape, Path("disk")))

    assert place(small, large) == "disk"
    assert place(large, small) == "None"
    with pytest.raises(LutraError, match=r"100,000 images of 224 px take 14\.0 GiB; .*data\.size=79 would fit"):
        place(small, small)


def test_memory_that_runs_out_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "memory_left", lambda: 2**60)
    with pytest.raises(LutraError, match="images of 400000 px"):
        store.stored("", "key", (400, 400_000, 400_000, 3), lambda put: None)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("Unable to allocate 180. GiB for an array"),
        RuntimeError("[enforce fail]\nDefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
        torch.OutOfMemoryError("CUDA out of memory."),
        Exception("[ONNXRuntimeError] : Failed to allocate memory for requested buffer of size 8"),
    ],
    ids=str,
)
def test_memory_that_runs_out_in_a_command_is_one_line(error: Exception, tmp_path: Path, here: Here) -> None:
    def hungry(config: Config) -> None:
        raise error

    done = here(hungry, f"runs={tmp_path}")
    assert done.code == 2
    assert done.err.startswith("error: out of memory (")
    assert "data.size" in done.err
    assert done.err.count("\n") == 1
