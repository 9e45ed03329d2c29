"""python -m experiments.bench.against_hand_made [data.path=FILE] [KEY.KEY=VALUE ...]: winner against hand-made ones.

`experiments.hand_made` on CIFAR-10, `mobile`, this machine, one thread, all in INT8. The hand-made network with the
accuracy nearest to the winner's is compared with the fastest of the winner's files that is at least as accurate.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from experiments.bench._compression import at_least, at_most, rows_of
from experiments.bench._published import run


def main(arguments: Sequence[str]) -> None:
    rows = rows_of("hand_made", arguments)
    columns = ({name: row[column] for name, row in rows.items()} for column in ("test_accuracy", "latency_median_s"))
    print(json.dumps(claims(*columns)))


def claims(accuracy: Mapping[str, float], seconds: Mapping[str, float]) -> list[dict[str, object]]:
    """Test accuracies as fractions, and seconds, by name; names of our files begin with winner."""
    ours = [name for name in accuracy if name.startswith("winner")]
    others = [name for name in accuracy if name not in ours]
    better = [name for name in others if seconds[name] < seconds["winner"] and accuracy[name] > accuracy["winner"]]
    nearest = min(others, key=lambda name: abs(accuracy[name] - accuracy["winner"]))
    enough = [name for name in ours if accuracy[name] >= accuracy[nearest]]
    fastest = min(enough or ["winner"], key=seconds.__getitem__)
    gap = 100 * (accuracy[fastest] - accuracy[nearest])
    faster = f"times that {fastest!r} is faster than {nearest}, nearest in accuracy ({gap:+.2f} points)"
    return [
        at_most(f"references both faster and more accurate ({', '.join(better) or 'none'})", len(better), 0),
        at_least(faster, seconds[nearest] / seconds[fastest], 1.5),
    ]


if __name__ == "__main__":
    run(main)
