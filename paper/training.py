"""Sentences on how the networks were trained and pruned, and on what one run of that length can show."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paper import comparison, origin, ranking, recipes, seeds
from paper.csv_records import ResultError
from paper.latex import count, escape, listed, significant
from paper.setup_file import Setup, setup

RULES = {  # train.rule -> what it is called, and a sentence
    "sandwich": (
        r"the sandwich rule~\cite{yu2020bignas}",
        r"Training uses the sandwich rule with in-place distillation~\cite{yu2020bignas}: each step trains the "
        r"largest, the smallest and some random networks~\cite{guo2020single}, with uniformly drawn "
        r"depths~\cite{cai2020once}.",
    ),
    "fair": (
        r"FairNAS' rule~\cite{chu2021fairnas}",
        r"Each step trains four networks; all kinds of blocks of a layer~\cite{chu2021fairnas}, all options of a kind, "
        r"and all depths~\cite{cai2020once} are drawn equally often.",
    ),
    "single_path": (
        r"single paths~\cite{guo2020single}",
        r"Each step trains one random network~\cite{guo2020single}, with a uniformly drawn depth~\cite{cai2020once}.",
    ),
}
RECIPE = {  # a setting of `retrain` -> words on it
    "batch": "batches of {} images",
    "learning_rate": "Nesterov's momentum with a learning rate of {}",
    "muon": r"Muon~\cite{jordan2024muon} with {} for convolutions",
    "weight_decay": "weight decay of {}",
    "label_smoothing": "label smoothing of {}",
    "ema": "an average of the weights with decay {}",
    "alternating_flip": r"mirroring in every second pass~\cite{jordan2024airbench}",
    "reflect": "crops with reflected borders",
    "cutout": "Cutout of {}",
    "randaugment": "RandAugment of {}",
    "mixup": "mixup of {}",
    "half_resolution": "half resolution for the first {} of the steps",
    "all_images": "validation images too",
}
NONE = ("False", "0", "0.0")  # values of a setting that is not used
IMPORTANCES = {  # compress.prune.importance
    "taylor": r"the squared first-order change of the loss without it~\cite{molchanov2019importance}",
    "batch_norm": r"the scale of its batch norm~\cite{liu2017learning}",
    "l1": r"the sum of its absolute weights~\cite{li2017pruning}",
}


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX. Raises ResultError."""
    run = setup(results)
    rule, sentence = RULES[_known(run, "supernet_rule", RULES)]
    return {
        "SupernetRule": rule,
        "SupernetTraining": sentence,
        "ImportanceSentence": importance(_known(run, "importance", IMPORTANCES)),
        "FinetuneSteps": count(run.number("finetune_steps")) if run.values.get("finetune_steps") else "fewer",
        "TrainingLength": length(run),
        "OneRun": one_run(results),
    }


def _known(run: Setup, key: str, names: Mapping[str, Any]) -> str:
    """A choice that older files do not record, as it was always the first. Raises ResultError for an unknown one."""
    chosen = run.values.get(key) or next(iter(names))
    if chosen not in names:
        raise ResultError(f"{run.path}: {key} is {chosen!r}, which is none of {', '.join(names)}")
    return chosen


def importance(chosen: str) -> str:
    others = [words for name, words in IMPORTANCES.items() if name != chosen]
    return f"A channel's importance is {IMPORTANCES[chosen]}; alternatives are {listed(others)}."


def length(run: Setup) -> str:
    """A sentence on the length of the trainings from scratch; files without `retrain_images` know only the steps."""
    steps = f"A network trained from scratch sees {count(run.number('retrain_steps'))} batches"
    if not run.values.get("retrain_images"):
        return f"{steps}."
    passes = run.number("retrain_images") / run.number("train_images")
    size = count(run.number("train_images"))
    return f"{steps}, {significant(passes)} passes over the {size} training images{_recipe(run)}."


def _recipe(run: Setup) -> str:
    """Words on the rest of the recipe; empty for older files, which do not say."""
    given = dict(one.split("=", 1) for one in run.values.get("retrain_recipe", "").split())
    known = [
        words.replace("{}", escape(given[key])) for key, words in RECIPE.items() if given.get(key) not in (None, *NONE)
    ]
    return f": {listed(known)}" if known else ""


def one_run(results: Path) -> str:
    """A clause: which results come from one seed."""
    several = {
        "the comparison of strategies": comparison.published(results),
        "the spread over seeds": seeds.published(results),
        "the supernet's ranking": ranking.published(results) and _number(results, ranking.SETUP, "trainings") > 1,
        "the gains of training recipes": origin.used(results, "Recipes")
        and _number(results, recipes.SETUP, "seeds") > 1,
    }
    others = [words for words, published in several.items() if published]
    return f"All results{f' except {listed(others)}' if others else ''} come from one seed"


def _number(results: Path, name: str, key: str) -> float:
    """A number in a file of keys and values; 1 if it is not there."""
    made = setup(results, name)
    return made.number(key) if made.values.get(key) else 1
