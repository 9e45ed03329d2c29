"""Tests the parts of a recipe: each does what its paper says, can be switched alone, and survives an interruption."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from experiments.compute.resumable_training import run_steps
from experiments.config import Config
from experiments.config.compression import CompressConfig, check
from experiments.data.augmentation import (
    ALIKE,
    alternating,
    crops,
    cutout,
    mixup,
    offsets,
    randaugmented,
    resized_crops,
)
from experiments.data.dataset import Dataset, Split, assemble
from experiments.data.published import digits
from experiments.setup.recipes import counted
from search_spaces.errors import LutraError
from search_spaces.networks.network import Network
from search_spaces.spaces.tiny import tiny
from search_spaces.training.loop import Training, cross_entropy, fit
from search_spaces.training.recipe import Augmentation, NetworkRecipe, Recipe, in_steps

SPACE = tiny(1, 16, 10)
BASE = NetworkRecipe(6, 16, 0.05, amp=False)
PARTS: dict[str, dict[str, Any]] = {  # setting -> a recipe with this part alone
    "alternating_flip": {"alternating_flip": True},
    "reflect": {"reflect": True},
    "cutout": {"cutout": 0.5},
    "mixup": {"mixup": 0.4},
    "resized_crop": {"resized_crop": 0.3},
    "randaugment": {"randaugment": 9},
    "bias_rate": {"bias_rate": 8.0},
    "muon": {"muon": 0.02},
    "half_resolution": {"half_resolution": 0.5},
    "all_images": {"all_images": True},
}
EVERY = {name: value for part in PARTS.values() for name, value in part.items()}


@cache
def data() -> Dataset:
    """Returns few digits, which here may be mirrored, so that a few steps are several epochs."""
    whole = digits("", 16, 0.2, 0)
    return replace(whole, train=whole.train.at(np.arange(40)), validation=whole.validation.at(np.arange(8)), flip=True)


def network() -> Network:
    torch.manual_seed(0)
    return Network([spec for spec in SPACE.decode(SPACE.reference) if spec.convs])


def learn(recipe: NetworkRecipe, folder: Path, stop: int = 0) -> tuple[dict[str, Tensor], list[tuple[int, ...]]]:
    """Trains a network by the recipe; returns its weights, and the shapes of its images. `stop`: interrupts it once."""
    model, shapes = network(), list[tuple[int, ...]]()
    rule = cross_entropy(model, recipe.label_smoothing)

    def backward(step: int, images: Tensor, labels: Tensor) -> float:
        if stop and step == stop:
            raise KeyboardInterrupt
        shapes.append(tuple(images.shape))
        return rule(step, images, labels)

    images = data().joined if recipe.all_images else data()
    folder.mkdir(exist_ok=True)
    run_steps(model, images, recipe, 3, backward, folder, "training", 0)
    return model.state_dict(), shapes


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    return learn(BASE, tmp_path_factory.mktemp("base") / "run")[0]


def test_every_part_is_tested() -> None:
    """Those that were there from the start are in `test_training`; `passes` is a length."""
    added = {one.name for one in fields(NetworkRecipe) if one.metadata} - {"passes"}
    assert added == {*PARTS}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_alone_changes_the_training_and_resumes_bit_for_bit(
    part: str, base: dict[str, Tensor], tmp_path: Path
) -> None:
    recipe = replace(BASE, **PARTS[part])
    whole, _ = learn(recipe, tmp_path / "whole")
    assert any(not torch.equal(base[name], value) for name, value in whole.items())
    for stop in (1, 4):
        with pytest.raises(KeyboardInterrupt):
            learn(recipe, tmp_path / f"stopped {stop}", stop)
        torch.testing.assert_close(learn(recipe, tmp_path / f"stopped {stop}")[0], whole, rtol=0, atol=0)


def test_all_parts_together_resume_bit_for_bit(tmp_path: Path) -> None:
    recipe = replace(BASE, **EVERY)
    whole, shapes = learn(recipe, tmp_path / "whole")
    assert shapes == [(16, 1, 8, 8)] * 3 + [(16, 1, 16, 16)] * 3
    with pytest.raises(KeyboardInterrupt):
        learn(recipe, tmp_path / "stopped", 4)
    torch.testing.assert_close(learn(recipe, tmp_path / "stopped")[0], whole, rtol=0, atol=0)


def test_processor_seconds_add_up_over_an_interruption() -> None:
    first, second = Training(network(), BASE), Training(network(), BASE)
    backward = cross_entropy(first.model, 0)
    list(islice(fit(first, lambda step: data().batch(step, 16, 0), backward), 2))
    second.load_state_dict(first.state_dict())
    assert second.cpu_seconds == first.cpu_seconds > 0


# Images


def numbered(count: int) -> Split:
    """Returns images [count, 1, 8, 8] whose columns tell left from right, and whose label is their index."""
    columns = torch.arange(8, dtype=torch.uint8).expand(count, 1, 8, 8)
    return Split((columns + 8 * torch.arange(count, dtype=torch.uint8)[:, None, None, None]), torch.arange(count))


def epochs(count: int, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields labels and whether they are mirrored, batch by batch, over four epochs."""
    split = numbered(count)
    made = assemble("numbered", [str(one) for one in range(count)], split, split, split)
    for step in range(4 * count // size):
        images, labels = made.batch(step, size, 1, Augmentation(alternating_flip=True))
        centre = images[:, 0, 4, 2:6]
        yield labels.numpy(), (centre[:, 0] > centre[:, -1]).numpy()


@pytest.mark.parametrize(("count", "size"), [(24, 8), (24, 16)])
def test_an_image_is_mirrored_in_every_second_epoch(count: int, size: int) -> None:
    labels, flipped = (np.concatenate(part).reshape(4, count) for part in zip(*epochs(count, size)))
    by_image = np.stack([row[np.argsort(order)] for order, row in zip(labels, flipped)])
    assert (by_image[0] != by_image[1]).all()
    assert (by_image[:2] == by_image[2:]).all()
    assert 0 < by_image[0].sum() < count


def test_half_of_the_images_are_mirrored_first() -> None:
    assert 450 < alternating(np.arange(1000), 0, 1000, 0).sum() < 550


def test_a_reflected_crop_is_one_of_the_reflected_image() -> None:
    images = torch.randint(0, 256, (30, 2, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (2, 2), (2, 2)), mode="reflect")
    rows, columns = np.random.default_rng(5).integers(0, 5, (2, 30))
    for at, crop in enumerate(crops(images, offsets(30, 16, np.random.default_rng(5)), reflect=True).numpy()):
        row, column = rows[at], columns[at]
        assert (crop == padded[at, :, row : row + 16, column : column + 16]).all()


def test_cutout_blanks_one_square_of_every_image() -> None:
    blank = cutout(torch.ones(64, 3, 16, 16), 0.25, step=2, seed=0) == 0
    assert (blank == blank[:, :1]).all()
    heights, widths = blank[:, 0].any(2).sum(1), blank[:, 0].any(1).sum(1)
    assert torch.equal(blank[:, 0].sum((1, 2)), heights * widths)  # a square, or its part within the image
    assert max(heights) == max(widths) == 4
    assert min(heights) >= 2
    assert len({tuple(one.flatten().tolist()) for one in blank[:, 0]}) > 30


def test_mixed_images_have_the_shares_of_their_labels() -> None:
    labels = torch.arange(12) % 4
    images = labels.float()[:, None, None, None].expand(12, 3, 4, 4)
    mixed, shares = mixup(images, labels, 4, 0.8, step=3, seed=0)
    torch.testing.assert_close(shares.sum(1), torch.ones(12))
    torch.testing.assert_close(mixed[:, 0, 0, 0], shares @ torch.arange(4.0))
    assert ((shares > 0).sum(1) == 2).any()


def test_a_resized_crop_is_a_large_enough_part_of_its_image() -> None:
    """Ramps over columns and rows show the part's width and height by their slopes."""
    ramp = torch.linspace(0, 248, 32).round().to(torch.uint8)
    images = torch.stack([ramp.expand(32, 32), ramp[:, None].expand(32, 32)]).expand(100, 2, 32, 32)
    made = resized_crops(images, 0.25, step=3, seed=0)
    assert (made.dtype, made.shape) == (torch.uint8, images.shape)
    values = made.float()
    width = (values[:, 0, 16, 28] - values[:, 0, 16, 3]) / 25 / 8
    height = (values[:, 1, 28, 16] - values[:, 1, 3, 16]) / 25 / 8
    areas, aspects = width * height, width / height
    assert 0.2 < areas.min() < 0.35
    assert 0.9 < areas.max() < 1.1
    assert 0.7 < aspects.min() < 0.8
    assert 1.25 < aspects.max() < 1.45
    assert len(values[:, 0, 16, 16].unique()) > 30  # in different places


def test_randaugment_changes_groups_alike_and_leaves_torchs_random_stream() -> None:
    images = torch.randint(0, 256, (3 * ALIKE, 3, 16, 16), dtype=torch.uint8)
    images[1] = images[0]
    before = torch.random.get_rng_state()
    first, again, later = (randaugmented(images, 9, step, 0) for step in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first, again)
    assert not torch.equal(first, later)
    assert torch.equal(first[0], first[1])
    assert (first.dtype, first.shape) == (torch.uint8, images.shape)


@pytest.mark.parametrize("part", ["resized_crop", "randaugment"])
def test_images_are_varied_in_float32_under_autocast(part: str) -> None:
    varied = Augmentation(**PARTS[part])
    plain = data().batch(2, 16, 0, varied)[0]
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(data().batch(2, 16, 0, varied)[0], plain)


def test_no_part_draws_the_random_numbers_of_another() -> None:
    """The crops stay the same when cutout, mixup or alternating flip are switched, mirroring with resized crops."""
    plain, alternate = (data().batch(2, 16, 0, Augmentation(alternating_flip=on))[0] for on in (False, True))
    for one, other in zip(plain, alternate):
        assert torch.equal(one, other) or torch.equal(one, other.flip(2))
    blanked = data().batch(2, 16, 0, Augmentation(cutout=0.5))[0]
    assert ((blanked == plain) | (blanked == 0)).all()
    split = numbered(24)
    made = assemble("numbered", [str(one) for one in range(24)], split, split, split)
    usual, resized = (made.batch(1, 24, 0, Augmentation(resized_crop=part))[0][:, 0, 4] for part in (0.0, 0.7))
    assert torch.equal(usual[:, 2] > usual[:, 5], resized[:, 2] > resized[:, 5])


def test_all_images_are_those_of_training_and_validation() -> None:
    whole = data()
    joined = whole.joined
    assert (len(joined.train.labels), len(joined.validation.labels)) == (48, 0)
    assert (joined.mean, joined.std, joined.test) == (whole.mean, whole.std, whole.test)
    torch.testing.assert_close(joined.train.images, torch.cat([whole.train.images, whole.validation.images]))
    apart = replace(whole, validation=Split(whole.validation.images, whole.validation.labels))
    torch.testing.assert_close(apart.joined.train.images, joined.train.images)
    torch.testing.assert_close(apart.joined.train.labels, joined.train.labels)


# Optimizers


def one_step(**parts: Any) -> dict[str, Tensor]:
    """Returns how far the first step, at full learning rate, moves each parameter of a network."""
    model = network()
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    recipe = replace(BASE, warmup=0, weight_decay=0, ema=0, **parts)
    next(fit(Training(model, recipe), lambda step: data().batch(step, 16, 0), cross_entropy(model, 0)))
    return {name: value.detach() - before[name] for name, value in model.named_parameters()}


def test_biases_learn_faster_by_the_factor() -> None:
    plain, fast = one_step(), one_step(bias_rate=8.0)
    for name, moved in plain.items():
        torch.testing.assert_close(fast[name], moved * (8 if name.endswith("bias") else 1), rtol=1e-3, atol=1e-7)


def test_muon_moves_convolutions_by_orthogonal_matrices_and_leaves_the_rest_to_sgd() -> None:
    plain, muon = one_step(), one_step(muon=0.02)
    dense = [name for name, moved in plain.items() if moved.ndim == 4 and moved.shape[1] > 1 and moved.any()]
    assert len(dense) > 3
    for name, moved in muon.items():
        if name in dense:
            rows, columns = moved.flatten(1).shape
            singular = torch.linalg.svdvals(moved.flatten(1)) / (0.02 * max(1, rows / columns) ** 0.5)
            assert 0.5 < singular.max() < 1.4, name
        elif moved.ndim != 4 or moved.shape[1] == 1:
            torch.testing.assert_close(moved, plain[name], rtol=1e-3, atol=1e-7)


def test_muon_is_refused_where_it_would_fill_zeros() -> None:
    tuned = replace(CompressConfig().finetune, muon=0.02)
    for stage in ("sparsify", "cluster"):
        with pytest.raises(LutraError, match=rf"the stage {stage} .* add compress\.finetune\.muon=0"):
            check(CompressConfig(stages=[stage, "quantize"], finetune=tuned), "winner")
    check(CompressConfig(finetune=tuned), "winner")


# Length


def test_passes_are_steps_over_the_images() -> None:
    assert in_steps(Recipe(5, 16, 0.1), 160) == Recipe(5, 16, 0.1)
    assert in_steps(Recipe(5, 16, 0.1, passes=2.5), 160) == Recipe(25, 16, 0.1)
    assert in_steps(Recipe(5, 16, 0.1, passes=1e-6), 160).steps == 1


def test_a_configuration_counts_its_passes_over_the_images_that_a_recipe_has() -> None:
    config, images = Config(), digits("", 16, 0.2, 0)
    both = len(images.train.labels) + len(images.validation.labels)
    assert counted(config) == config
    longer = replace(
        config,
        train=replace(config.train, passes=2),
        retrain=replace(config.retrain, passes=3, all_images=True, batch=32),
    )
    made = counted(longer)
    assert made.train.steps == round(2 * len(images.train.labels) / config.train.batch)
    assert made.retrain.steps == round(3 * both / 32)
    assert made.train.passes == made.retrain.passes == 0
    with pytest.raises(LutraError, match=r"retrain\.passes=1e\+06 .* lower retrain\.passes"):
        counted(replace(config, retrain=replace(config.retrain, passes=1e6, batch=2)))


def test_the_model_of_a_recipe_without_convolutions_needs_no_muon() -> None:
    model = nn.Linear(4, 3)
    step = next(
        fit(
            Training(model, Recipe(2, 4, 0.1, muon=0.02)),
            lambda step: (torch.ones(4, 4), torch.zeros(4).long()),
            cross_entropy(model, 0),
        )
    )
    assert step.step == 0
