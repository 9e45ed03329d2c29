"""Which stages of compression may follow which: a stage that would undo an earlier one is refused."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

from search_spaces.errors import LutraError

STAGES = ("prune", "lowrank", "finetune", "sparsify", "cluster", "qat", "quantize")
PRUNE, LOWRANK, FINETUNE, SPARSIFY, CLUSTER, QAT, QUANTIZE = STAGES
UNDOES: dict[str, dict[str, str]] = {  # an earlier stage, and what each later one would do to its result
    SPARSIFY: {
        LOWRANK: "factorising a matrix with zeros makes factors without any",
        SPARSIFY: "weights are cut anew from a dense start, and the first zeros train again",
    },
    CLUSTER: {
        LOWRANK: "factors share no values",
        FINETUNE: "weights that share a value train apart",
        SPARSIFY: "weights that share a value train apart",
        QAT: "weights that share a value train apart",
    },
    QAT: dict.fromkeys(
        (PRUNE, LOWRANK, FINETUNE, SPARSIFY, CLUSTER, QAT),
        "the ranges and weights that were learned for INT8 are of the network before",
    ),
    QUANTIZE: dict.fromkeys(STAGES, "quantize writes the file that is deployed, and comes last"),
}


def check(stages: Sequence[str], pattern: str) -> None:
    """Raises LutraError for the first pair of stages, one after the other, of which the second undoes the first.

    `pattern` is that of sparsify: 2:4 groups survive no change of channels.
    """
    for first, second in pairwise(stages):
        if first == second:
            raise LutraError(f"compress.stages has {first} twice in a row: name it once")
    for first, second in combinations(stages, 2):
        why = UNDOES.get(first, {}).get(second)
        if (first, second) == (SPARSIFY, PRUNE) and pattern == "two_of_four":
            why = "channels leave, and groups of four with two zeros fall apart"
        if why:
            raise LutraError(
                f"compress.stages has {second} after {first}, which undoes it: {why}; " + _instead(first, second)
            )


def _instead(first: str, second: str) -> str:
    if first == second:
        return f"let {first} come once"
    if first == CLUSTER:
        return "let cluster come last"
    return f"put {second} before {first}, or leave one of the two out"
