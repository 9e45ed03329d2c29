"""python -m experiments.bench.demo_time: wall seconds of all steps on digits, starting from an empty runs folder."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from experiments.store import artefacts

BAR = 240.0  # seconds on two cores, without installing


def main() -> None:
    with tempfile.TemporaryDirectory() as runs:
        start = time.monotonic()
        subprocess.run([sys.executable, "-m", "experiments.pipeline", f"runs={runs}"], check=True, stdout=sys.stderr)
        seconds = time.monotonic() - start
        steps = {f"{path.parent.parent.name}/{path.parent.name}": path for path in Path(runs).rglob(artefacts.MANIFEST)}
        parts = {name: artefacts.manifest(path.parent)["seconds"] for name, path in steps.items()}
    raw = {"seconds": seconds, "steps": parts}
    artefacts.write(Path("experiments/runs/bench/demo_time.json"), json.dumps(raw, indent=1) + "\n")
    claim = {"what": "python -m experiments.pipeline, seconds", "value": seconds, "bar": BAR, "holds": seconds <= BAR}
    print(json.dumps(claim))


if __name__ == "__main__":
    main()
