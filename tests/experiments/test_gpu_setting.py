"""Tests the setting `accelerator`: the CPU is the default, and a GPU must be there."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch

from experiments.compute import process_group
from experiments.compute.accelerator import accelerator
from experiments.config import Config
from experiments.config.validation import check
from experiments.setup.images import placed
from experiments.steps.plan import Plan
from experiments.store.step import as_json
from search_spaces.errors import LutraError

no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


def test_the_cpu_is_the_rule_and_leaves_keys_as_they_were() -> None:
    assert accelerator(Config().accelerator) == torch.device("cpu")
    assert "accelerator" not in as_json(Plan(Config()).searching)
    assert placed(Config().data, "cpu").train.images.device.type == "cpu"


@no_gpu
def test_a_gpu_that_is_not_there_is_told_before_any_work() -> None:
    assert accelerator("auto") == torch.device("cpu")
    assert Plan(replace(Config(), accelerator="auto")).accelerator == "cpu"
    with pytest.raises(
        LutraError, match=r"accelerator=cuda needs a GPU, but torch \S+ finds none: .*accelerator=cpu"
    ) as told:
        check(replace(Config(), accelerator="cuda"))
    assert "\n" not in str(told.value)
    with pytest.raises(LutraError, match=re.escape("accelerator")):
        check(replace(Config(), accelerator="gpu"))


def test_each_process_of_torchrun_has_a_gpu_of_its_own() -> None:
    assert [process_group.own_gpu(process, 2) for process in (0, 1)] == [0, 1]
    with pytest.raises(LutraError, match=r"more processes than there are GPUs: --nproc_per_node=2"):
        process_group.own_gpu(2, 2)
