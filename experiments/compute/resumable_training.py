"""Resumable training with a progress bar, TensorBoard curves and checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from torch import Tensor, nn

from experiments.compute import process_group
from experiments.data.augmentation import halved
from experiments.data.dataset import Dataset
from experiments.display.events import writer
from experiments.display.progress import console, track
from experiments.store import artefacts
from experiments.store.checkpoints import restore, save, saved
from search_spaces.training.loop import Backward, Recipe, Step, Training, fit
from search_spaces.training.recipe import in_steps

CURVE = 10  # points of the validation curve, at least as many steps apart: a validation takes as long as several steps


def run_steps(
    model: nn.Module,
    data: Dataset,
    recipe: Recipe,
    seed: int,
    backward: Backward,
    folder: Path,
    description: str,
    every: float,
    validate: Callable[[nn.Module], dict[str, float]] = lambda model: {},
) -> Training:
    """Trains in place, from the folder's checkpoint if there is one; writes a checkpoint `every` seconds.

    TensorBoard gets the loss at every step, and the results of `validate` on the averaged weights about ten times.
    """
    recipe = in_steps(recipe, len(data.train.labels))
    training = Training(model, recipe)
    if saved(folder / artefacts.CHECKPOINT):
        restore(training, folder / artefacts.CHECKPOINT)
        console.print(f"{description} continues after {len(training.losses)} steps")

    def batches(step: int) -> tuple[Tensor, Tensor]:
        images, labels = data.batch(step, recipe.batch, seed, recipe)
        return process_group.part(halved(images) if recipe.halves(step) else images, labels)

    def shared(step: int, images: Tensor, labels: Tensor) -> float:
        return process_group.mean(backward(step, images, labels))

    steps = fit(training, batches, shared)
    if process_group.leading():
        steps = watched(steps, training, folder, description, every, validate)
    for _ in steps:
        pass
    return training


def watched(
    steps: Iterator[Step],
    training: Training,
    folder: Path,
    description: str,
    every: float,
    validate: Callable[[nn.Module], dict[str, float]],
) -> Iterator[Step]:
    """The steps with a progress bar, logs and checkpoints."""
    recipe, begun = training.recipe, len(training.losses)
    start = last = time.monotonic()

    def progress(step: Step) -> str:
        speed = recipe.batch * (step.step + 1 - begun) / (time.monotonic() - start)
        return f"loss {step.loss:.3f}, {speed:.0f} images/s"

    with writer(folder, begun) as board:
        for done in track(steps, description, recipe.steps, progress, begun):
            board.add_scalar("train/loss", done.loss, done.step)
            board.add_scalar("train/learning_rate", done.learning_rate, done.step)
            trained = done.step + 1
            if trained % max(CURVE, recipe.steps // CURVE) == 0 or trained == recipe.steps:
                for name, value in validate(training.average.module).items():
                    board.add_scalar(f"validation/{name}", value, done.step)
            if time.monotonic() - last > every:
                save(training, folder / artefacts.CHECKPOINT)
                last = time.monotonic()
            yield done
