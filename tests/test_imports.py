"""Tests the direction of imports (design) in all files, and that each rule finds what breaks it."""

from __future__ import annotations

import pytest

from tests.import_rules import MAY_IMPORT, ROOT, RULED, WITHOUT_TORCH, Sources, absent, faults, files_of, needs_torch


@pytest.fixture(scope="module")
def sources() -> Sources:
    files = (file for package in MAY_IMPORT for file in sorted((ROOT / package).rglob("*.py")))
    paths = {file.relative_to(ROOT).as_posix(): file for file in files}
    generated = ("experiments/runs/", "paper/build/")
    return {path: file.read_text() for path, file in paths.items() if not path.startswith(generated)}


def test_every_file_and_folder_that_a_rule_names_exists(sources: Sources) -> None:
    assert absent(sources) == []


@pytest.mark.parametrize("path", dict.fromkeys(RULED))
def test_a_file_or_folder_that_moved_without_its_rule_is_reported(path: str, sources: Sources) -> None:
    moved = {f"elsewhere/{file}" if file in files_of(path, sources) else file: text for file, text in sources.items()}
    assert path in absent(moved)


def test_every_import_points_one_way(sources: Sources) -> None:
    assert [fault for path, source in sources.items() for fault in faults(path, source)] == []


def test_the_board_needs_no_torch(sources: Sources) -> None:
    files = [file for path in WITHOUT_TORCH for file in files_of(path, sources)]
    assert [file for file in files if needs_torch(file, sources)] == []


@pytest.mark.parametrize(
    ("path", "source", "fault"),
    [
        ("search_spaces/a.py", "import predictors.tables.table", "imports predictors"),
        ("search_spaces/a.py", "def f():\n    from strategies import darts", "imports strategies"),
        ("predictors/a.py", "from compress import prune", "imports compress"),
        ("strategies/a.py", "from experiments.config import Config", "imports experiments"),
        ("strategies/a.py", "from compress.pruning.prune import prune", "imports compress"),
        ("compress/a.py", "import strategies", "imports strategies"),
        ("paper/a.py", "from search_spaces.layers import MBConv", "imports search_spaces"),
        ("strategies/a.py", "import hydra", "imports hydra"),
        ("predictors/a.py", "from torch.utils.tensorboard import SummaryWriter", "imports torch.utils.tensorboard"),
        ("predictors/a.py", "from torch.utils import tensorboard", "imports torch.utils.tensorboard"),
        ("compress/a.py", "from rich.progress import track", "imports rich"),
        ("strategies/a.py", "import matplotlib.pyplot as plt", "imports matplotlib"),
        ("paper/build.py", "import matplotlib", "imports matplotlib"),
        ("experiments/a.py", "import pickle", "imports pickle"),
        ("predictors/agent/machine.py", "import onnx", "imports onnx"),
        ("predictors/agent/machine.py", "from predictors import table", "imports predictors"),
        ("experiments/a.py", "torch.load(path)", "torch.load without weights_only=True"),
        ("experiments/a.py", "torch.load(path, weights_only=False)", "torch.load without weights_only=True"),
        ("experiments/a.py", "np.load(path, allow_pickle=True)", "allow_pickle"),
        ("experiments/data/utils.py", "", "named after"),
    ],
)
def test_the_check_finds(path: str, source: str, fault: str) -> None:
    assert any(fault in found for found in faults(path, source))


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("strategies/a.py", "from predictors.tables.table import LatencyTable\nimport torch"),
        ("experiments/a.py", "import hydra, rich\nfrom compress import prune\nimport matplotlib"),
        ("paper/figures/pareto.py", "import matplotlib\nfrom paper.rows import read"),
        ("paper/a.py", "from search_spaces.documents import read_csv\nfrom search_spaces.errors import LutraError"),
        (
            "predictors/agent/machine.py",
            "import json\nimport numpy as np\nimport onnxruntime\nfrom predictors import agent",
        ),
        ("experiments/a.py", "torch.load(path, weights_only=True)\nimport richer"),
    ],
)
def test_the_check_allows(path: str, source: str) -> None:
    assert faults(path, source) == []


@pytest.mark.parametrize(
    "chain",
    [
        {"a/b.py": "from torch import nn"},
        {"a/b.py": "import torch.nn"},
        {"a/b.py": "from a.c import x", "a/c.py": "import torch"},
        {"a/b.py": "from a import c", "a/c.py": "import torch"},
        {"a/b.py": "from . import c", "a/c.py": "import torch"},
        {"a/b.py": "", "a/__init__.py": "import torch"},
        {"a/b.py": "import d.e", "d/e.py": "", "d/__init__.py": "import torchvision"},
    ],
)
def test_torch_is_found_behind_other_files(chain: dict[str, str]) -> None:
    assert needs_torch("a/b.py", chain)
    assert not needs_torch("a/b.py", {path: text.replace("torch", "orchard") for path, text in chain.items()})
