"""The networks of a run in order: the reference, the winner, what each stage makes of it, and the quantized file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from paper.compression_rows import PRECISION_NAMES, TRAINED, Stage
from paper.csv_records import ResultError
from paper.latex import listed

BEFORE = ("reference", "random", "inherited", "retrained")  # rows that every run has before its first stage
STAGES = {  # the network that a stage makes -> the stage, and what it does in words
    "pruned": ("prune", "pruning"),
    "factorised": ("lowrank", "low-rank factorisation"),
    "finetuned": ("finetune", "finetuning"),
    "sparsified": ("sparsify", "sparsification"),
    "clustered": ("cluster", "weight sharing"),
    TRAINED: ("qat", "training for INT8"),
    **dict.fromkeys(PRECISION_NAMES, ("quantize", "quantization")),
}


@dataclass(frozen=True)
class Chain:
    """The rows of one run; all are in fp32 but the last."""

    reference: Stage
    random: Stage
    inherited: Stage
    winner: Stage  # trained from scratch
    between: tuple[Stage, ...]  # the winner after each stage before quantization
    last: Stage  # the quantized file

    @property
    def rows(self) -> list[Stage]:
        return [self.reference, self.random, self.inherited, self.winner, *self.between, self.last]

    @property
    def unquantized(self) -> Stage:
        """The network that was quantized."""
        return self.between[-1] if self.between else self.winner

    @property
    def name(self) -> str:
        """The stages as rows of an ablation name them: "prune, finetune, quantize"."""
        return ", ".join(stage_of(row.stage)[0] for row in (*self.between, self.last))

    @property
    def words(self) -> list[str]:
        """What was done before quantization: "pruning", "finetuning"; a stage that comes twice is named once."""
        return list(dict.fromkeys(stage_of(row.stage)[1] for row in self.between))


def stage_of(network: str) -> tuple[str, str]:
    """The stage that makes a network, and what it does in words; the network's name for both if no stage does.

    A stage that comes twice makes "pruned" and "pruned 2".
    """
    return STAGES.get(re.sub(r" \d+$", "", network), (network, network))


def undone(between: Sequence[str], steps: tuple[int | None, int | None]) -> str:
    """Words on a winner's quantized file without some of the stages between; empty if there is nothing to leave out.

    `steps`: of training, of the quantized file and of the winner before all stages.
    """
    left_out = [stage_of(name)[1] for name in between if stage_of(name)[0] not in ("finetune", "qat")]
    if not left_out or None in steps:
        return ""
    longer = ", but trained for as many steps" if steps[0] != steps[1] else ""
    return f"quantized without {listed(list(dict.fromkeys(left_out)))}{longer}"


def chain(rows: Sequence[Stage], path: Path) -> Chain:
    """The rows of stages.csv as a chain. Raises ResultError for a missing one."""
    found: dict[tuple[str, str], Stage] = {}
    for row in rows:
        found.setdefault((row.stage, row.precision), row)
    *between, last = [name for name in dict.fromkeys(row.stage for row in rows) if name not in BEFORE] or [""]
    quantized = next((row for row in rows if row.stage == last and row.precision != "fp32"), None)
    if quantized is None:
        raise ResultError(f"{path}: there is no row of a quantized file after all others")
    for name in (*BEFORE, *between):
        if (name, "fp32") not in found:
            raise ResultError(f"{path}: there is no row with stage={name}, precision=fp32")
    reference, random, inherited, winner = (found[name, "fp32"] for name in BEFORE)
    stages = tuple(found[name, "fp32"] for name in between)
    return Chain(reference, random, inherited, winner, stages, quantized)
