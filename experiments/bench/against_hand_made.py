"""python -m experiments.bench.against_hand_made [data.path=FILE] [KEY.KEY=VALUE ...]: the winner, and hand-made ones.

`experiments.hand_made` on CIFAR-10, `mobile`, this machine, one thread, all in INT8.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from experiments.bench._compression import at_least, at_most, rows_of
from experiments.bench._published import run


def main(arguments: Sequence[str]) -> None:
    rows = rows_of("hand_made", arguments)
    winner = rows["winner"]
    others = {name: row for name, row in rows.items() if not name.startswith("winner")}
    better = [
        name
        for name, row in others.items()
        if row["latency_median_s"] < winner["latency_median_s"] and row["test_accuracy"] > winner["test_accuracy"]
    ]
    nearest = min(others, key=lambda name: abs(others[name]["test_accuracy"] - winner["test_accuracy"]))
    gap = 100 * (winner["test_accuracy"] - others[nearest]["test_accuracy"])
    speed = others[nearest]["latency_median_s"] / winner["latency_median_s"]
    print(
        json.dumps(
            [
                at_most(f"references both faster and more accurate ({', '.join(better) or 'none'})", len(better), 0),
                at_least(f"times faster than {nearest}, whose accuracy is nearest ({gap:+.2f} points)", speed, 1.5),
            ]
        )
    )


if __name__ == "__main__":
    run(main)
