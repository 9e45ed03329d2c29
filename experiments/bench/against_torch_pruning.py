"""python -m experiments.bench.against_torch_pruning [data.path=FILE] [KEY.KEY=VALUE ...]: our pruning against theirs.

`experiments.pruning_rules` on CIFAR-10, `mobile`, this machine, one thread: torch-pruning (group magnitude, global
threshold) prunes to the same measured INT8 latency or the next higher one; finetuning and quantization are equal.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from experiments.bench._compression import at_least, rows_of
from experiments.bench._published import run


def main(arguments: Sequence[str]) -> None:
    rows = rows_of("pruning_rules", arguments)
    ours = rows.pop("device")
    made = []
    for name, row in rows.items():
        slower = row["latency_median_s"] / ours["latency_median_s"]
        what = f"points of test accuracy above {name} of the channels, which takes {slower:.3f} of our time"
        bar = 1.0 if name.startswith("depgraph") else 0.0
        made.append(at_least(what, 100 * (ours["test_accuracy"] - row["test_accuracy"]), bar))
    print(json.dumps(made))


if __name__ == "__main__":
    run(main)
