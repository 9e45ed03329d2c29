"""Tests populations that are evaluated in one call, and the backends that distribute them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from random import Random

import pytest
import torch

from experiments.compute import parallel_evaluation
from experiments.compute.parallel_evaluation import spread
from search_spaces.errors import LutraError
from search_spaces.networks import evaluation
from search_spaces.networks.evaluation import batches, calibrate, predict
from search_spaces.networks.population import Convolved, logits
from search_spaces.networks.supernet import Supernet
from search_spaces.space import Arch, SearchSpace
from search_spaces.spaces.nasbench_macro import nasbench_macro
from search_spaces.spaces.tiny import tiny
from tests.networks import seasoned

SPACES = {"tiny": tiny(3, 16, 5), "nasbench_macro": nasbench_macro(3, 8, 5)}


def supernet_of(space: SearchSpace) -> Supernet:
    torch.manual_seed(0)
    return seasoned(Supernet(space))


def drawn(count: int, pixels: int, seed: int) -> torch.Tensor:
    return torch.randn(count, 3, pixels, pixels, generator=torch.Generator().manual_seed(seed))


def mutants(space: SearchSpace, count: int) -> list[Arch]:
    """Returns a network, its mutants, the largest and the smallest, and the first network again."""
    rng = Random(0)
    parent = space.sample(rng)
    return [parent, *(space.mutate(parent, rng) for _ in range(count)), space.largest, space.smallest, parent]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "BATCH", 20)


@pytest.fixture(params=SPACES)
def space(request: pytest.FixtureRequest) -> SearchSpace:
    return SPACES[request.param]


def images_for(space: SearchSpace) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns images for calibration and for evaluation; neither number is a multiple of the batch size."""
    pixels = space.layers[0][0].resolution
    return drawn(27, pixels, 1), drawn(31, pixels, 2)


def test_a_network_gets_the_same_in_every_population(space: SearchSpace) -> None:
    supernet, archs = supernet_of(space), mutants(space, 6)
    together = logits(supernet, *images_for(space), archs)
    backwards = logits(supernet, *images_for(space), archs[::-1])[::-1]
    for arch, one, other in zip(archs, together, backwards):
        (alone,) = logits(supernet, *images_for(space), [arch])
        assert torch.equal(one, alone)
        assert torch.equal(one, other)
    assert not torch.equal(together[0], together[1])


def test_it_is_what_the_network_alone_answers(space: SearchSpace) -> None:
    """Each answer is that of the extracted, calibrated network."""
    supernet, archs = supernet_of(space), mutants(space, 3)
    calibration, images = images_for(space)
    for arch, answer in zip(archs, logits(supernet, calibration, images, archs), strict=True):
        alone = predict(calibrate(supernet.extract(arch), calibration), images)
        assert (answer - alone).abs().max() < 1e-3 * alone.std()


def test_the_supernet_stays_as_it_was(space: SearchSpace) -> None:
    supernet = supernet_of(space)
    before = {name: tensor.clone() for name, tensor in supernet.state_dict().items()}
    logits(supernet, *images_for(space), mutants(space, 3))
    assert all(torch.equal(tensor, before[name]) for name, tensor in supernet.state_dict().items())


def test_what_networks_share_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    space = SPACES["tiny"]
    calls: list[int] = []
    run = Convolved.__call__
    monkeypatch.setattr(Convolved, "__call__", lambda node, x: calls.append(len(x)) or run(node, x))

    def convolutions(*archs: Arch) -> int:
        calls.clear()
        logits(supernet_of(space), drawn(4, 16, 1), drawn(4, 16, 2), archs)
        return len(calls) // 2  # calibration and evaluation

    full = (0, 0, 0, 0, 0, 0, 0)
    of_one = sum(len(spec.convs) for spec in space.decode(full))
    wider_last = (0, 0, 0, 0, 0, 1, 0)
    larger_last = (0, 0, 0, 0, 0, 2, 0)  # kernel 5: the expanding convolution is the same
    assert convolutions(full) == convolutions(full, full) == of_one
    assert convolutions(full, wider_last) == of_one + 3 + 1
    assert convolutions(full, larger_last) == of_one + 2 + 1


def test_parts_of_a_calibration_count_the_same() -> None:
    """42 images make three equal batches, not two of 20 and one of two with the same weight."""
    assert [len(batch) for batch in batches(torch.zeros(42, 1))] == [14, 14, 14]
    assert [len(batch) for batch in batches(torch.zeros(41, 1))] == [14, 14, 13]
    assert [len(batch) for batch in batches(torch.zeros(20, 1))] == [20]


@pytest.mark.parametrize("backend", ["loky", "threading", "dask", "ray"])
def test_every_backend_gives_the_same(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # other processes use the usual batch size
    if backend in ("dask", "ray"):
        pytest.importorskip({"dask": "distributed", "ray": "ray"}[backend])
    space, threads = SPACES["tiny"], torch.get_num_threads()
    calibration, images = images_for(space)
    supernet, archs = supernet_of(space), mutants(space, 4)

    def judge(archs: Sequence[Arch]) -> list[float]:
        """Returns a number for each network that depends on every bit of its logits."""
        return [answer.double().square().sum().item() for answer in logits(supernet, calibration, images, archs)]

    expected = judge(archs)
    assert len(set(expected)) == len(set(archs))
    spread_out = spread(judge, 2, backend, threads)
    assert spread_out(archs) == expected
    assert spread_out(archs[:1]) == expected[:1]


@pytest.mark.parametrize(("backend", "package"), [("dask", "dask"), ("ray", "ray")])
def test_an_absent_backend_is_one_line(backend: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("dask", "distributed", "ray"):
        monkeypatch.setitem(sys.modules, name, None)
    parallel_evaluation._connect.cache_clear()
    with pytest.raises(LutraError, match=rf"search.backend={backend} needs .*: pip install '{package}"):
        spread(lambda archs: [0.0] * len(archs), 2, backend, 1)
