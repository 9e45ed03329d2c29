"""python -m experiments.bench.compression [data.path=FILE] [KEY.KEY=VALUE ...]: gains and costs of compression.

`experiments.ablation` on CIFAR-10, `mobile`, this machine, one thread. Trainings are kept: the first run takes about
half an hour after the search, later ones a minute.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from experiments.bench._compression import Rows, at_least, at_most, rows_of
from experiments.bench._published import run


def main(arguments: Sequence[str]) -> None:
    print(json.dumps(claims(rows_of("ablation", arguments))))


def claims(rows: Rows) -> list[dict[str, object]]:
    winner, final, tuned = (rows[name] for name in ("nothing", "prune, finetune, quantize", "prune, finetune"))
    learned = rows["prune, finetune, qat, quantize"]
    return [
        at_least("fp32 winner's file / final INT8 file", winner["file_bytes"] / final["file_bytes"], 6),
        at_least("fp32 winner's latency / final INT8's", winner["latency_median_s"] / final["latency_median_s"], 3),
        at_most("points of test accuracy lost by the final INT8 file", _lost(winner, final), 0.5),
        at_most("points lost by INT8 without QAT, winner", _lost(winner, rows["quantize"]), 0.5),
        at_most("points lost by INT8 without QAT, pruned and finetuned", _lost(tuned, final), 0.5),
        at_most("points lost by INT8 with QAT, winner", _lost(winner, rows["qat, quantize"]), 0.2),
        at_most("points lost by INT8 with QAT, pruned and finetuned", _lost(tuned, learned), 0.2),
        at_most("pruned INT8: predicted / measured latency - 1, absolute", _off(final), 0.05),
        at_most("pruned fp32: predicted / measured latency - 1, absolute", _off(tuned), 0.05),
    ]


def _lost(before: dict[str, float], after: dict[str, float]) -> float:
    return 100 * (before["test_accuracy"] - after["test_accuracy"])


def _off(row: dict[str, float]) -> float:
    return abs(row["predicted_s"] / row["latency_median_s"] - 1)


if __name__ == "__main__":
    run(main)
