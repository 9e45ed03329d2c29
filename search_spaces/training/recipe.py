"""The settings of a training. Imports no torch, because the configuration imports it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from search_spaces.ranges import Fraction, Range


@dataclass(frozen=True)
class Recipe:
    """SGD with Nesterov momentum, linear warm-up, then half a cosine; no weight decay on vectors (batch norm, bias).

    The result is the exponential moving average of the weights. Its decay at step t is at most (1 + t) / (10 + t), so
    that short trainings average only over their end.
    """

    steps: Annotated[int, Range(1, 100_000_000, "batches")]  # how long to train
    batch: Annotated[int, Range(2, 65_536, "images")]  # images of a step
    learning_rate: Annotated[float, Range(0, 100, above=True)]  # the highest
    momentum: Annotated[float, Range(0, 1, above=True, below=True)] = 0.9  # Nesterov's, which must be positive
    weight_decay: Fraction = 5e-5  # of matrices and convolutions
    warmup: Fraction = 0.1  # fraction of the steps in which the learning rate rises
    label_smoothing: Annotated[float, Range(0, 1, below=True)] = 0.1  # share of the other classes in a label
    ema: Annotated[float, Range(0, 1, "decay a step", below=True)] = (
        0.999  # moving average of the weights; 0: keep the last weights
    )
    amp: bool | None = None  # bfloat16 where it is safe; null: if the processor supports it

    def learning_rate_at(self, step: int) -> float:
        warm = max(1, round(self.warmup * self.steps))
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, self.steps - warm)))
