"""Part `long` of the benchmark `gpu`: a winner of `edge` and a hand-made network, trained for as long as there is time.

Both get the same time and recipe, on training and validation images, and are judged by the test images, by which
nothing is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import nn

from compress.files.foreign import Foreign
from compress.files.own_kinds import OWN_KINDS
from compress.pruning.depgraph import size
from experiments.bench._edge_results import of_seeds
from experiments.bench._gpu_run import Run, seconds_of_step
from experiments.comparison.recipe_variants import SECTION, change
from experiments.steps.train import calibrated, prepare
from search_spaces.networks.evaluation import accuracy, predict
from search_spaces.networks.network import Network
from search_spaces.spaces.edge import edge
from search_spaces.training.loop import Backward, cross_entropy
from search_spaces.training.recipe import NetworkRecipe

RECIPE = NetworkRecipe(
    steps=1_000_000,
    batch=512,
    learning_rate=0.4,
    weight_decay=2e-4,
    alternating_flip=True,
    reflect=True,
    cutout=0.25,
    half_resolution=0.0,
)
TRAINING = 0.9  # share of a network's time
Row = dict[str, object]


def long(run: Run) -> list[Row]:
    """A row for each network, with its test accuracy."""
    data = run.images.joined
    recipe = changed(replace(RECIPE, batch=16) if run.smoke else RECIPE, run.settings["dotted"])
    rows: list[Row] = []
    models = networks(run)

    def rule(model: nn.Module) -> Backward:
        return cross_entropy(model, recipe.label_smoothing)

    for place, (name, model) in enumerate(models.items()):
        share = TRAINING / (len(models) - place)

        def trained(name: str = name, model: nn.Module = model, share: float = share) -> Row:
            prepare(1, 0)
            model = model.to(run.device)
            steps = run.steps(name, lambda: int(share * run.left / seconds_of_step(model, data, recipe, rule)))
            run.trained(f"network-{name}", model, data, replace(recipe, steps=steps), rule)
            images, labels = data.fixed(data.test, 0, 0)
            right = accuracy(predict(calibrated(model, data), images), labels)
            cost = size(model.cpu(), data.shape.image)
            passes = steps * recipe.batch / len(data.train.labels)
            own = {"network": name, "test_accuracy": right, "steps": steps, "batch": recipe.batch, "passes": passes}
            return {**own, "macs": cost.macs, "parameters": cost.parameters}

        rows += run.journaled("long", {name: trained})
    return rows


def networks(run: Run) -> dict[str, nn.Module]:
    """The first winner of the seeds in edge=FOLDER, else the reference of `edge`; and the hand-made model=NAME."""
    shape, name = run.images.shape, run.settings["model"]
    asked = shape.in_channels, shape.resolution, shape.classes
    space = edge(*asked)
    given = run.settings["edge"].split(",")[0]
    arch = next(of_seeds(Path(given).expanduser(), space)).arch if given else space.reference
    winner = Network([spec for spec in space.decode(arch) if spec.convs])
    if name in OWN_KINDS:
        other: nn.Module = Network(OWN_KINDS[name](*asked))
    else:
        other = Foreign(name, shape.classes, shape.in_channels)
    return {"winner of edge" if given else "reference of edge": winner, name: other}


def changed(recipe: NetworkRecipe, words: str) -> NetworkRecipe:
    """The recipe with the settings of the words retrain.KEY=VALUE. Raises LutraError for an unknown one."""
    texts = [word.removeprefix(SECTION) for word in words.split() if word.startswith(SECTION)]
    changes: Mapping[str, object] = dict(map(change, texts))
    return replace(recipe, **changes)  # type: ignore[arg-type]
