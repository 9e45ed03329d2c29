"""python -m experiments.bench: every benchmark, one after another, and their claims as one table."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from rich.table import Table

from experiments.progress import console


def main() -> int:
    table = Table("benchmark", "what", "value", "bar", "holds")
    failed = 0
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        console.print(f"[bold]{path.stem}[/bold]")
        command = [sys.executable, "-m", f"experiments.bench.{path.stem}", *sys.argv[1:]]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            failed += 1
            table.add_row(path.stem, "did not run, see above", "", "", "no")
            continue
        claims = json.loads(done.stdout.strip().splitlines()[-1])
        for claim in claims if isinstance(claims, list) else [claims]:
            failed += not claim["holds"]
            value, bar = (f"{claim[key]:.4g}" for key in ("value", "bar"))
            table.add_row(path.stem, claim["what"], value, bar, "yes" if claim["holds"] else "no")
    console.print(table)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
