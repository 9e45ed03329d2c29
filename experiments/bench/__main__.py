"""python -m experiments.bench NAME...: runs the named benchmarks, or all of them, and shows their claims in one table.

KEY=VALUE words are passed to each. Without a name, lists the benchmarks; with --help, describes the named ones.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from experiments.__main__ import described, docstring
from experiments.display.progress import console
from search_spaces.errors import LutraError, unknown

BENCHMARKS = {path.stem: path for path in sorted(Path(__file__).parent.glob("[!_]*.py"))}
ALL = "all"


def main(words: Sequence[str]) -> int:
    try:
        names, settings = asked(words)
    except LutraError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if not names:
        console.print(listed())
        return 0
    if {"--help", "-h"} & {*words}:
        print("\n\n".join(docstring(BENCHMARKS[name]) for name in names))
        return 0
    table = Table("benchmark", "what", "value", "bar", "holds")
    failed = 0
    for name in names:
        console.print(f"[bold]{name}[/bold]")
        command = [sys.executable, "-m", f"experiments.bench.{name}", *settings]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            failed += 1
            table.add_row(name, "did not run, see above", "", "", "no")
            continue
        claims = json.loads(done.stdout.strip().splitlines()[-1])
        for claim in claims if isinstance(claims, list) else [claims]:
            value, judged = f"{claim['value']:.4g}", "bar" in claim  # a figure without a bar is shown alone
            failed += judged and not claim["holds"]
            bar, holds = (f"{claim['bar']:.4g}", "yes" if claim["holds"] else "no") if judged else ("", "")
            table.add_row(name, claim["what"], value, bar, holds)
    console.print(table)
    return 1 if failed else 0


def asked(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names of benchmarks, and the settings for them. Raises LutraError for an unknown name."""
    settings = [word for word in words if "=" in word and not word.startswith("-")]
    names = [word for word in words if word not in (*settings, "--help", "-h")]
    for name in names:
        if name not in (ALL, *BENCHMARKS):
            raise unknown("benchmark", name, (ALL, *BENCHMARKS))
    if settings and not names:
        raise LutraError(f"{settings[0]} names no benchmark: python -m experiments.bench {ALL} {settings[0]}")
    return list(BENCHMARKS) if ALL in names else names, settings


def listed() -> Table:
    """Each benchmark with the first line of its description."""
    table = Table("python -m experiments.bench", "what it measures")
    for name, path in BENCHMARKS.items():
        table.add_row(name, escape(described(path)))
    table.add_row(ALL, "every one, one after another")
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
