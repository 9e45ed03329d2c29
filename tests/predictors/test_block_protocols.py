"""Tests block protocols: on a board whose latencies are known, and with onnxruntime's real profile."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from compress.quantization.quantize import quantize
from compress.runtimes import RUNTIMES
from experiments.config import DeviceConfig, choices
from experiments.steps.device_settings import Device
from experiments.studies import protocols as studied
from experiments.studies.protocols import PROFILER, judged, protocols, to_time
from predictors.board.local_device import local
from predictors.board.profiler import AFTER, BEFORE, BETWEEN, PARTS, kernels
from predictors.timing.block_protocols import BLOCK_PROTOCOLS, INFERENCE, protocols_for
from predictors.timing.blocks import Specs, block_specs, in_context, networks_to_time
from search_spaces.costs import macs
from search_spaces.layers import MBConv, Spec
from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.spaces.tiny import tiny
from tests.commands import Here
from tests.networks import smallest_space

ENTRY = 5e-6  # seconds that every inference takes besides its layers
SPACE = tiny(1, 16, 10)


def true_seconds(spec: Spec) -> float:
    return 1e-6 + 1e-10 * macs([spec])


def on_a_board(clock: str, network: Specs) -> float:
    """Returns the latency of a network; the profile contains only the block between the two convolutions."""
    if clock == INFERENCE:
        return ENTRY + sum(map(true_seconds, network))
    own = network[:-1] if clock == BEFORE else network[1:] if clock == AFTER else network[1:-1]
    return sum(map(true_seconds, own))


ARCHS = networks_to_time(SPACE, 16, 0)
KNOWN = {(clock, network): on_a_board(clock, network) for clock, network in to_time(SPACE, BLOCK_PROTOCOLS, ARCHS)}


@pytest.mark.parametrize("name", BLOCK_PROTOCOLS)
def test_where_layers_add_every_protocol_finds_the_block(name: str) -> None:
    """A block alone also contains the whole entry; the stem and the head in context contain half of it."""
    for spec in block_specs(SPACE):
        entry = ENTRY if name == "alone" else 0
        at_ends = ENTRY / 2 if name == "in context" and not isinstance(spec, MBConv) else 0
        found = BLOCK_PROTOCOLS[name].seconds(spec, KNOWN)
        assert found == pytest.approx(true_seconds(spec) + entry + at_ends, rel=1e-9)


@pytest.mark.parametrize("name", BLOCK_PROTOCOLS)
def test_where_layers_add_the_correction_is_exact(name: str) -> None:
    """Blocks timed alone contain an entry for each layer: only the term per layer corrects that, no affine map does."""
    rows = list(judged(SPACE, BLOCK_PROTOCOLS[name], KNOWN, ARCHS[:8], ARCHS[8:]))
    assert len(rows) == 8
    error, affine = (
        max(abs(row[column] / row["measured_s"] - 1) for row in rows) for column in ("predicted_s", "affine_s")
    )
    assert error < 1e-9
    assert affine > 1e-3 if name == "alone" else affine < 1e-9


def test_what_stands_outside_the_contexts_convolutions_does_not_count() -> None:
    operators = ["ReorderInput", "Conv", "Conv", "QLinearAdd", "FusedConv", "ReorderOutput"]
    counted = [operators[kernels(part, operators)] for part in (BETWEEN, BEFORE, AFTER)]
    assert counted == [operators[2:4], operators[:4], operators[2:]]


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_both_clocks_tell_seconds(precision: str) -> None:
    """Both clocks time the same file; the profile truncates a kernel's time to whole microseconds."""
    spec = MBConv(16, 96, 16, 5, 1, 32)
    network = in_context(spec)
    onnx = write(network, random_weights(network))
    if precision == "int8":
        onnx = quantize(onnx, np.random.default_rng(0).standard_normal((2, 16, 32, 32), dtype=np.float32))
    names = [INFERENCE, *PARTS]
    with local(1, PROFILER) as board:
        board.ask("clocks", parts={f"file {index}": part for index, part in enumerate(names) if index})
        names = [f"file {index}" for index in range(len(names))]
        for name in names:
            board.load(name, onnx)
        samples = board.round(names, 0.02, each=True)["samples"]
    assert [bool(singles) for _, singles in samples] == [True, False, False, False]  # a profile has no single times
    seconds = [seconds for seconds, _ in samples]
    assert all(0.01 < other / seconds[0] < 100 for other in seconds)  # the same unit


def test_blocks_are_timed_on_the_cores_that_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, object] = {}

    @contextmanager
    def local(threads: int, prelude: str, **given: object) -> Iterator[Mock]:
        asked.update(given, threads=threads)
        yield Mock()

    monkeypatch.setattr(studied, "local", local)
    with studied._connect(Device.of(DeviceConfig(cores="1", threads=3)), {}, False):
        assert (asked["cores"], asked["threads"]) == ("1", 3)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_command_compares_and_publishes(
    runtime: str, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A smoke test: so short a measurement has no meaning. Only onnxruntime has a profile of kernels."""
    expected_names = protocols_for(runtime)
    assert ("node profile" in expected_names) == (runtime == "onnxruntime")
    monkeypatch.setitem(choices.SPACES, "tiny", smallest_space)
    folders = (f"runs={tmp_path}", f"results={tmp_path}/results", f"runtime={runtime}")
    refused = here(protocols, *folders, "device=pi5", "device.host=board")
    assert refused.code == 2
    assert refused.err.startswith("error: device=ssh cannot compare protocols")
    short = ["measure.min_rounds=1", "measure.max_rounds=1", "measure.sample_seconds=0.0005", "measure.networks=3"]
    done = here(protocols, *folders, *short, "fidelity.networks=2", "publish=true")
    assert (done.code, done.err) == (0, "")
    assert [name for name in BLOCK_PROTOCOLS if name in done.out] == [*expected_names]
    with (tmp_path / "results/protocols.csv").open() as file:
        rows = list(csv.DictReader(file))
    expected = {(precision, name) for precision in ("fp32", "int8") for name in expected_names}
    assert {(row["precision"], row["protocol"]) for row in rows} == expected
    assert len(rows) == 2 * len(expected)
    assert "space,tiny" in (tmp_path / "results/protocols_setup.csv").read_text()
