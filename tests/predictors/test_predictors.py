"""Tests the table and its making: arithmetic, a real agent, and every kind of bad table."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import pairwise
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from predictors import agent
from predictors.board.device import Board
from predictors.board.local_device import local
from predictors.models.layer_costs import AdditiveCost
from predictors.tables.assembly import assemble, file_name
from predictors.tables.correction import cross_validated, fit
from predictors.tables.table import LatencyTable
from predictors.timing.blocks import all_specs, block_specs, computing, contexts, in_context, networks_to_time
from predictors.timing.rounds import Protocol, Round
from search_spaces.costs import macs
from search_spaces.errors import LutraError
from search_spaces.layers import Spec
from search_spaces.networks.onnx_writer import random_weights, write
from search_spaces.space import SearchSpace
from search_spaces.spaces.mobile import mobile
from search_spaces.spaces.tiny import tiny

SPACE = tiny(1, 16, 10)
ENTRY = 3e-6  # seconds that every file of the synthetic board takes besides its layers


def true_seconds(specs: tuple[Spec, ...]) -> float:
    return ENTRY + sum(1e-6 + 1e-11 * macs((spec,)) for spec in specs)


def synthetic_table(space: SearchSpace = SPACE, noise: float = 0.0) -> LatencyTable:
    """Makes the table of a known board: layers add up, rounds differ by up to 25 % in speed, samples by `noise`."""
    rng = np.random.default_rng(0)
    archs = networks_to_time(space, 8, 0)
    blocks = block_specs(space)
    specs = all_specs(blocks, [space.decode(arch) for arch in archs])
    seconds = {file_name("fp32", i): true_seconds(s) for i, s in enumerate(specs)}
    rounds = []
    for _ in range(9):
        order, speed = list(seconds), rng.uniform(1, 1.25)
        times = tuple(float(seconds[name] * speed * np.exp(noise * rng.standard_normal())) for name in order)
        rounds.append(Round(tuple(order), times, ((),) * len(order), {}, {}))
    files = {name: name.encode() for name in seconds}
    return assemble(space, blocks, archs, specs, files, rounds, {"model": "synthetic", "threads": 1}, Protocol())


@pytest.fixture(scope="module")
def table() -> LatencyTable:
    return synthetic_table()


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    with local(threads=1) as board:
        yield board


# The table's arithmetic


@given(st.integers(0, 2**32))
@settings(max_examples=30)
def test_the_tables_sum_is_its_linear_form(seed: int) -> None:
    model = synthetic_model(seed)
    arch = SPACE.sample(Random(seed))
    one_hot = [torch.eye(count)[pick].double() for count, pick in zip(SPACE.options, arch)]
    picked = sum(model.values[layer, pick] for layer, pick in enumerate(arch))
    assert model(arch) == pytest.approx(2e-6 + 1.1 * picked)
    assert model.expected(one_hot).item() == pytest.approx(model(arch))


def synthetic_model(seed: int) -> AdditiveCost:
    seconds = np.random.default_rng(seed).uniform(1e-6, 1e-4, (len(SPACE.layers), max(SPACE.options)))
    for layer, count in enumerate(SPACE.options):
        seconds[layer, count:] = np.nan
    return AdditiveCost(seconds, intercept=2e-6, slope=1.1)


@given(st.integers(0, 2**32))
@settings(max_examples=20)
def test_expected_latency_is_the_mean_over_drawn_architectures(seed: int) -> None:
    model, rng = synthetic_model(seed), np.random.default_rng(seed)
    mixture = [rng.dirichlet(np.ones(count)) for count in SPACE.options]
    draws = np.stack([rng.choice(len(p), 20000, p=p) for p in mixture], axis=1)
    expected = model.expected([torch.from_numpy(p) for p in mixture]).item()
    assert model.of(draws).mean() == pytest.approx(expected, rel=0.02)


def test_fastest_and_slowest_bound_every_architecture() -> None:
    model = synthetic_model(1)
    sampled = model.of(np.array([SPACE.sample(Random(seed)) for seed in range(200)]))
    assert model(model.lowest) <= sampled.min()
    assert model(model.highest) >= sampled.max()


def test_blocks_out_of_context_add_up_to_the_network(table: LatencyTable) -> None:
    """Without noise the blocks are exact up to one common speed, whatever the speeds of the rounds were."""
    for arch in (SPACE.reference, SPACE.smallest, SPACE.sample(Random(5))):
        network = computing(SPACE.decode(arch))
        naive = sum(table.seconds(spec, "fp32") for spec in network)
        assert naive / true_seconds(network) == pytest.approx(naive_speed(table), rel=1e-9)


def naive_speed(table: LatencyTable) -> float:
    row = table.networks[0]
    return row.measured / true_seconds(computing(SPACE.decode(row.arch)))


def test_with_noise_prediction_stays_close() -> None:
    noisy = synthetic_table(noise=0.02)
    predict = noisy.predictor(SPACE, "fp32")
    archs = [SPACE.sample(Random(seed)) for seed in range(50)]
    truth = np.array([true_seconds(computing(SPACE.decode(arch))) for arch in archs]) * naive_speed(noisy)
    assert np.abs(predict.of(np.array(archs)) / truth - 1).mean() < 0.05


def test_the_correction_is_exact_where_its_form_is_true() -> None:
    naive, layers = np.linspace(1e-4, 5e-4, 8), np.array([3, 5, 4, 4, 6, 3, 5, 7])
    measured = 2e-6 + 1.2 * naive + 3e-6 * layers
    correction = fit(naive, measured, layers)
    assert (correction.intercept, correction.slope, correction.layer) == pytest.approx((2e-6, 1.2, 3e-6))
    same, left_out = cross_validated(naive, measured, layers)
    assert same == correction
    assert left_out == pytest.approx(measured)
    without = fit(naive, 2e-6 + 1.2 * naive)
    assert (without.intercept, without.slope, without.layer) == pytest.approx((2e-6, 1.2, 0))


def test_what_networks_leave_open_stays_as_it_is() -> None:
    """With two networks, or equal numbers of layers, the fit is a line and invents no slope for the layers."""
    naive = np.linspace(1e-4, 5e-4, 8)
    alike = fit(naive, 2e-6 + 1.2 * naive, np.full(8, 7))
    assert alike.slope == pytest.approx(1.2)
    assert alike(naive, 7) == pytest.approx(2e-6 + 1.2 * naive)
    two = fit(naive[:2], 1.1 * naive[:2], np.array([5, 7]))
    assert two.slope == pytest.approx(1, abs=1e-3)
    assert two(naive[:2], np.array([5, 7])) == pytest.approx(1.1 * naive[:2])


def test_every_block_is_timed_between_neighbours_of_its_shape() -> None:
    for space in (SPACE, mobile(3, 32, 10)):
        for spec in block_specs(space):
            network = in_context(spec)
            for before, after in pairwise(network):
                assert before.out_channels == after.in_channels
            assert network[-1].convs
            assert all(write(context, random_weights(context)) for context in contexts(spec))


# The agent


def test_the_agent_computes_what_the_host_computes(board: Board) -> None:
    import onnxruntime

    specs = SPACE.decode(SPACE.reference)
    onnx = write(specs, random_weights(specs))
    image = np.random.default_rng(0).standard_normal((1, 1, 16, 16), dtype=np.float32)
    board.load("net", onnx)
    here = onnxruntime.InferenceSession(onnx).run(None, {"image": image})[0]
    assert board.ask("outputs", name="net", image=image.tolist())["output"] == here.tolist()


def test_the_agent_survives_a_bad_request_and_says_why(board: Board) -> None:
    with pytest.raises(LutraError, match="could not round: KeyError"):
        board.ask("round", order=["never loaded"], seconds=0.001, each=False)
    with pytest.raises(LutraError, match="damaged"):
        board.ask("load", name="x", runtime="onnxruntime", file="AAAA", sha256="0" * 64, threads=1)
    assert board.ask("passport")["onnxruntime"]


def test_an_agent_that_dies_is_one_line() -> None:
    with local(threads=1) as mortal:
        mortal._process.kill()
        with pytest.raises(LutraError, match=r"connection broke|agent on this machine exited"):
            mortal.ask("state")


@given(st.binary(max_size=40), st.dictionaries(st.text(), st.integers()))
def test_frames_survive_noise_before_them(noise: bytes, message: dict[str, int]) -> None:
    stream = io.BytesIO()
    stream.write(noise.replace(agent.MAGIC, b""))
    agent.write_frame(stream, message)
    stream.seek(0)
    assert agent.read_frame(stream) == message
    assert agent.read_frame(stream) is None


@given(st.integers(1, 60))
@settings(max_examples=60)
def test_a_cut_frame_is_never_an_answer(cut: int) -> None:
    stream = io.BytesIO()
    agent.write_frame(stream, {"answer": list(range(40))})
    with pytest.raises(ValueError, match="frame"):
        agent.read_frame(io.BytesIO(stream.getvalue()[:-cut]))
