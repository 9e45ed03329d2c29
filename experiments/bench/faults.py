"""python -m experiments.bench.faults: runs every trial of the fault campaigns in tests/faults.

An interrupted run continues with the next trial.

The raw results are journals in experiments/runs/faults/COMMIT; delete that folder to start again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from experiments.store import journal
from experiments.store.versions import commit

ROOT = Path(__file__).parents[2]
LEAST = {  # prefix of campaigns -> what they count, and how many trials a complete run has
    "kills": ("kills", 1000),
    "mutations": ("mutations", 3000),
    "command-lines": ("command lines", 1000),
    "board": ("answers", 300),
    "links": ("cuts", 50),
    "resumed-training": ("resumes", 50),
}
WORKERS = "4"  # on two cores: a trial waits much of its time for links, locks and deadlines
SLOWER = 1.1  # times an undisturbed training's seconds


def main() -> int:
    folder = ROOT / "experiments" / "runs" / "faults" / (commit() or "unknown").rstrip("+")
    tests = [sys.executable, "-m", "pytest", "tests/faults", "-n", WORKERS, "--dist", "worksteal"]
    done = subprocess.run(tests, cwd=ROOT, env={**os.environ, "LUTRA_FAULTS": str(folder)}, stdout=sys.stderr)
    if done.returncode not in (0, 1):  # 1: some trials failed, as the claims below say
        return done.returncode
    print(json.dumps([claim for name in LEAST for claim in claims(folder, name)]))
    return 0


def claims(folder: Path, name: str) -> list[dict[str, Any]]:
    """The number of trials of a campaign, how many failed, and the cost of resuming a training."""
    records = [record for path in sorted(folder.glob(f"{name}*.jsonl")) for record in journal.read(path)]
    figures: Counter[str] = Counter()
    for record in records:
        figures.update(record["figures"])
    unit, least = LEAST[name]
    wrong = sum(bool(record["wrong"]) for record in records)
    found = [
        {"what": f"{name}: {unit}", "value": figures[unit], "bar": least, "holds": figures[unit] >= least},
        {"what": f"{name}: wrong", "value": wrong, "bar": 0, "holds": wrong == 0},
    ]
    if figures["undisturbed_seconds"]:
        slower = figures["seconds"] / figures["undisturbed_seconds"]
        found.append(
            {"what": f"{name}: seconds, times undisturbed", "value": slower, "bar": SLOWER, "holds": slower <= SLOWER}
        )
    return found


if __name__ == "__main__":
    sys.exit(main())
