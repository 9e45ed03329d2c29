"""Where a file's time goes: both runtimes tell it operator by operator, through a real agent on this machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import numpy as np
import pytest

from compress.files.source import Source
from compress.quantization.calibration import activation_ranges
from compress.runtimes import RUNTIMES
from experiments.studies.profile import AGREE, WEIGHTED, operators, remarks
from paper.profile_rows import Operator
from predictors.board.answer_validation import BadAnswer, checked
from predictors.board.device import Connection
from predictors.board.local_device import local
from search_spaces.networks.onnx_writer import random_weights
from search_spaces.spaces.tiny import tiny

SPACE = tiny(1, 16, 10)
SPECS = SPACE.decode(SPACE.sample(Random(1)))
SOURCE = Source.with_weights(SPECS, random_weights(SPECS))
RANGES = activation_ranges(SOURCE.onnx, np.random.default_rng(0).standard_normal((8, 1, 16, 16), dtype=np.float32))
LAYERS = dict(enumerate(SPECS))


@pytest.fixture(params=RUNTIMES)
def board(request: pytest.FixtureRequest) -> Iterator[tuple[str, Connection]]:
    with local(1, runtime=request.param) as board:
        yield request.param, board


def test_every_operator_is_of_the_layer_that_it_was_written_for(board: tuple[str, Connection]) -> None:
    """Each layer has as many operators with weights as its graph has nodes with weights."""
    name, agent = board
    runtime = RUNTIMES[name]
    for file in (runtime.fp32(SOURCE), runtime.int8(SOURCE, RANGES)):
        rows = list(operators(agent, "it", file, 0.05, LAYERS))
        found = Counter(row["layer"] for row in rows if any(word in row["kind"].lower() for word in WEIGHTED))
        assert found == {layer: len(spec.graph.weighted) for layer, spec in LAYERS.items() if spec.graph.weighted}
        assert all(row["seconds"] >= 0 and row["whole_s"] > 0 for row in rows)
        assert len({row["whole_s"] for row in rows}) == 1


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {"operators": []},
        {"whole": 1.0},
        {"operators": [["a", "b"]], "whole": 1.0},
        {"operators": [["a", 1, 1.0]], "whole": 1.0},
        {"operators": [["a", "b", -1.0]], "whole": 1.0},
        {"operators": [["a", "b", 1.0]], "whole": 0},
        {"operators": [["a", "b", float("nan")]], "whole": 1.0},
    ],
)
def test_a_wrong_profile_is_refused(answer: object) -> None:
    with pytest.raises(BadAnswer, match="profile"):
        checked("pi", "profile", {}, answer)


@pytest.mark.parametrize(("share", "differ"), [(1.0, False), (1 - 1.1 * AGREE, True), (1 + 1.1 * AGREE, True)])
def test_sums_that_differ_from_the_whole_are_told(share: float, differ: bool) -> None:
    rows = [Operator("int8", 0, "a", "Conv", share * 1e-5, 2e-5), Operator("int8", 1, "b", "Conv", share * 1e-5, 2e-5)]
    (line,) = remarks(rows)
    assert ("differ by more" in line) == differ
