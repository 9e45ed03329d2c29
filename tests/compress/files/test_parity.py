"""Tests the parity of a file with its network."""

from __future__ import annotations

import numpy as np
import pytest

from compress.files.parity import check_parity, file_logits, parity
from search_spaces.errors import LutraError
from search_spaces.networks.network import Network
from search_spaces.networks.onnx_writer import write
from tests.networks import GRAPHS, images, pixels


def test_torch_and_onnxruntime_agree(network: Network) -> None:
    model = write(network.specs, network.folded())
    assert 0 <= check_parity(network, model, pixels()) == parity(network, model, pixels()) < 1e-4


@pytest.mark.parametrize("value", [0.5, float("nan")])
def test_another_file_is_refused(network: Network, value: float) -> None:
    weights = network.folded()
    weights[0][0][0][0] += value
    with pytest.raises(LutraError, match="output differs"):
        check_parity(network, write(network.specs, weights), pixels())


def test_logits_do_not_depend_on_the_batches(network: Network) -> None:
    model = write(network.specs, network.folded())
    whole = file_logits(model, images(GRAPHS["reference"], 30), batch=30)
    np.testing.assert_allclose(
        file_logits(model, images(GRAPHS["reference"], 30), batch=7), whole, rtol=1e-4, atol=1e-5
    )
