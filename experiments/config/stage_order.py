"""Which stages of compression may follow each other: a stage that would undo an earlier one is refused."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

from search_spaces.errors import LutraError

STAGES = ("prune", "lowrank", "finetune", "sparsify", "cluster", "qat", "quantize")
PRUNE, LOWRANK, FINETUNE, SPARSIFY, CLUSTER, QAT, QUANTIZE = STAGES
UNDOES: dict[str, dict[str, str]] = {  # earlier stage -> later stage -> how the later one undoes the earlier one
    SPARSIFY: {
        LOWRANK: "factorising a sparse matrix gives dense factors",
        SPARSIFY: "it prunes again from a dense start, and the first zeros are trained again",
    },
    CLUSTER: {
        LOWRANK: "factors do not share values",
        FINETUNE: "weights that share a value become different in training",
        SPARSIFY: "weights that share a value become different in training",
        QAT: "weights that share a value become different in training",
    },
    QAT: dict.fromkeys(
        (PRUNE, LOWRANK, FINETUNE, SPARSIFY, CLUSTER, QAT),
        "the learned INT8 ranges and weights belong to the network before this stage",
    ),
    QUANTIZE: dict.fromkeys(STAGES, "quantize writes the deployed file, so it must be last"),
}


def check(stages: Sequence[str], pattern: str) -> None:
    """Raises LutraError for the first pair of stages in which the later undoes the earlier.

    `pattern` is that of sparsify: 2:4 groups do not survive pruned channels.
    """
    for first, second in pairwise(stages):
        if first == second:
            raise LutraError(f"compress.stages has {first} twice in a row: name it once")
    for first, second in combinations(stages, 2):
        why = UNDOES.get(first, {}).get(second)
        if (first, second) == (SPARSIFY, PRUNE) and pattern == "two_of_four":
            why = "removing channels breaks up the groups of four with two zeros"
        if why:
            raise LutraError(
                f"compress.stages has {second} after {first}, which undoes it: {why}; " + _instead(first, second)
            )


def _instead(first: str, second: str) -> str:
    if first == second:
        return f"use {first} only once"
    if first == CLUSTER:
        return "put cluster last"
    return f"put {second} before {first}, or remove one of them"
