"""The settings of a training. Imports no torch, because the configuration imports it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Annotated, TypeVar

from search_spaces.added_fields import unless
from search_spaces.ranges import Fraction, Range

MOST_STEPS = 100_000_000


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How training images are varied; without any of these, by crops with black borders and random mirroring."""

    # whether an image is mirrored in every second pass, instead of at random (Jordan 2024, "94% on CIFAR-10")
    alternating_flip: bool = unless(False)
    reflect: bool = unless(False)  # whether crops show a reflection beyond the image's border, instead of black
    # width of a square that is blanked, as a fraction of the image's width (DeVries & Taylor 2017); 0: none
    cutout: Annotated[float, Range(0, 1, below=True)] = unless(0.0)
    # smallest part of an image that is cut out and enlarged to its size (Szegedy et al. 2015), for images of more than
    # 32 pixels; 0: crops keep their scale
    resized_crop: Annotated[float, Range(0, 1)] = unless(0.0)
    # magnitude, up to 30, of two random changes of each image (Cubuk et al. 2020, "RandAugment"); 0: none
    randaugment: Annotated[int, Range(0, 30)] = unless(0)
    # a of the Beta(a, a) by which pairs of images and of their labels are mixed (Zhang et al. 2018); 0: none
    mixup: Annotated[float, Range(0, 100)] = unless(0.0)


@dataclass(frozen=True)
class Recipe(Augmentation):
    """SGD with Nesterov momentum, linear warm-up, then half a cosine; no weight decay on vectors (batch norm, bias).

    The result is the exponential moving average of the weights. Its decay at step t is at most (1 + t) / (10 + t), so
    that short trainings average only over their end.
    """

    steps: Annotated[int, Range(1, MOST_STEPS, "batches")]  # how long to train
    batch: Annotated[int, Range(2, 65_536, "images")]  # images of a step
    learning_rate: Annotated[float, Range(0, 100, above=True)]  # at its peak
    momentum: Annotated[float, Range(0, 1, above=True, below=True)] = 0.9  # Nesterov's, which must be positive
    weight_decay: Fraction = 5e-5  # of matrices and convolutions
    warmup: Fraction = 0.1  # fraction of the steps in which the learning rate rises
    label_smoothing: Annotated[float, Range(0, 1, below=True)] = 0.1  # fraction of each label, spread over all classes
    ema: Annotated[float, Range(0, 1, "decay a step", below=True)] = (
        0.999  # moving average of the weights; 0: keep the last weights
    )
    amp: bool | None = None  # bfloat16 where it is safe; null: if the processor supports it
    # how long to train, in passes over the training images, instead of `steps`; 0: `steps` counts
    passes: Annotated[float, Range(0, 1_000_000, "passes")] = unless(0.0)
    # learning rate of biases, relative to that of other parameters
    bias_rate: Annotated[float, Range(0, 1_000, above=True)] = unless(1.0)
    # highest learning rate of Muon, which then trains all convolutions but depthwise ones (Jordan 2024); 0: SGD does
    muon: Annotated[float, Range(0, 100)] = unless(0.0)
    half_resolution: Fraction = unless(0.0)  # first fraction of the steps, in which images have half their width

    def learning_rate_at(self, step: int) -> float:
        warm = max(1, round(self.warmup * self.steps))
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, self.steps - warm)))

    def halves(self, step: int) -> bool:
        """Whether the images of a step have half their width."""
        return step < round(self.half_resolution * self.steps)


@dataclass(frozen=True)
class NetworkRecipe(Recipe):
    """Of a single network, which may learn from all images once every choice is made."""

    # whether validation images are trained on too, once everything is chosen; results then have no validation accuracy
    all_images: bool = unless(False)


R = TypeVar("R", bound=Recipe)


def in_steps(recipe: R, images: int) -> R:
    """The recipe with a length in steps; `passes` are over this many training images."""
    if not recipe.passes:
        return recipe
    return replace(recipe, passes=0.0, steps=max(1, round(recipe.passes * images / recipe.batch)))
