"""python -m experiments.bench.fidelity [runtime=litert] [GROUP.KEY=VALUE ...]: predicted against measured latency.

`experiments.fidelity` on this machine, one thread, for `mobile` at 32 px and `mobile_imagenet` at 128 px, with 24 whole
networks in the table and 60 new ones timed twice. Keys such as fidelity.networks=10 are passed to both; keys of other
benchmarks are ignored. Takes about 15 minutes on a quiet machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from experiments.bench._published import run
from experiments.comparison.learning_curves import read_points
from experiments.store import artefacts
from paper.rows import Judged

OUTPUT = Path("experiments/runs/bench/fidelity.json")
SPACES = {"mobile": 32, "mobile_imagenet": 128}  # pixels
COMMON = ("data=cifar10", "device=local", "measure.networks=24")
SHARES = {  # least: within 5 %, within 10 %, MAPE of the sum of blocks alone over the corrected table's
    "fp32": (0.97, 0.99, 2.5),
    "int8": (0.90, 0.97, 5.0),
}
IN_CONTEXT = "sum of blocks in context"  # a stricter comparison, also printed
LEARNED = ("boosting", "forest")
TIMES = 4.0  # their MAPE over the corrected table's
RETEST = 1.5  # the corrected table's MAPE over the re-test's, at most; fp32


def main(arguments: Sequence[str]) -> None:
    keys = [word for word in arguments if "." in word.partition("=")[0] or word.startswith("runtime=")]
    found: dict[str, list[Judged]] = {}
    for space, pixels in SPACES.items():
        with tempfile.TemporaryDirectory() as runs:
            command = ["experiments.fidelity", f"space={space}", *COMMON, f"data.size={pixels}", f"runs={runs}"]
            subprocess.run([sys.executable, "-m", *command, *keys], check=True, stdout=sys.stderr)
            (path,) = Path(runs).glob("fidelity/*/fidelity.csv")
            found[space] = read_points(path)
    raw = {space: [asdict(one) for one in points] for space, points in found.items()}
    artefacts.write(OUTPUT, json.dumps(raw, indent=1) + "\n")
    print(json.dumps([claim for space, points in found.items() for claim in claims(space, points)]))


def claims(space: str, points: list[Judged]) -> list[dict[str, object]]:
    made = []
    for precision, (within_5, within_10, naive) in SHARES.items():
        rows = {one.predictor: one for one in points if one.data == precision}
        ours, title = rows["corrected table"], f"{space}, {SPACES[space]} px, {precision}"
        made += [
            claim(f"{title}: corrected table, share within 5 %", ours.within_5, within_5),
            claim(f"{title}: corrected table, share within 10 %", ours.within_10, within_10),
            claim(
                f"{title}: MAPE, sum of blocks alone / corrected (in context: {ratio(rows, IN_CONTEXT):.1f})",
                ratio(rows, "sum of blocks alone"),
                naive,
            ),
            *(claim(f"{title}: MAPE, {name} / corrected", ratio(rows, name), TIMES) for name in LEARNED),
        ]
        if precision == "fp32":
            what = f"{title}: MAPE, corrected / re-test ({100 * ours.mape:.2f} %), at most"
            value = 1 / ratio(rows, "re-test")
            made.append({"what": what, "value": value, "bar": RETEST, "holds": value <= RETEST})
    return made


def ratio(rows: Mapping[str, Judged], name: str) -> float:
    return rows[name].mape / rows["corrected table"].mape


def claim(what: str, value: float, bar: float) -> dict[str, object]:
    return {"what": what, "value": value, "bar": bar, "holds": value >= bar}


if __name__ == "__main__":
    run(main)
