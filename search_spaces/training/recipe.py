"""How a network is trained: the numbers of a training. No torch here: a configuration holds them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from search_spaces.ranges import Fraction, Range


@dataclass(frozen=True)
class Recipe:
    """SGD with Nesterov momentum, linear warm-up, then a half cosine; no weight decay on vectors (batch norm, bias).

    What is kept is the weights' exponential moving average. Its decay at step t is at most (1 + t) / (10 + t), so that
    short trainings are averaged over their end alone.
    """

    steps: Annotated[int, Range(1, 100_000_000)]
    batch: Annotated[int, Range(2, 65_536, "images")]
    learning_rate: Annotated[float, Range(0, 100, above=True)]
    momentum: Annotated[float, Range(0, 1, above=True, below=True)] = 0.9  # Nesterov's needs more than 0
    weight_decay: Fraction = 5e-5
    warmup: Fraction = 0.1  # of the steps
    label_smoothing: Annotated[float, Range(0, 1, below=True)] = 0.1
    ema: Annotated[float, Range(0, 1, "decay a step", below=True)] = 0.999  # 0: the last weights are kept
    amp: bool | None = None  # bfloat16 where it is safe; None: where the processor computes in it

    def learning_rate_at(self, step: int) -> float:
        warm = max(1, round(self.warmup * self.steps))
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, self.steps - warm)))
