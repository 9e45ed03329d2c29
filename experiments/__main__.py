"""lutra COMMAND key=value...: runs python -m experiments.COMMAND. Without a command, lists them."""

from __future__ import annotations

import ast
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from search_spaces.errors import unknown

HELP = ("--help", "-h", "help")
LISTED = (
    "The commands; each takes key=value and --help, and all but bench and keys --multirun. lutra keys lists all keys."
)


def commands() -> dict[str, Path]:
    """The file of every command, by name."""
    here = Path(__file__).parent
    files = [*here.glob("[!_]*.py"), *here.glob("*/__main__.py")]
    return dict(sorted((path.stem if path.parent == here else path.parent.name, path) for path in files))


def described(path: Path) -> str:
    """The first line of a command's docstring, without how to run it."""
    return docstring(path).split("\n")[0].partition(": ")[2]


def docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def main(words: Sequence[str] | None = None) -> int:
    words = sys.argv[1:] if words is None else words
    if not words or words[0] in HELP:
        width = max(map(len, commands()))
        print(LISTED, *(f"  {name:<{width}}  {described(path)}" for name, path in commands().items()), sep="\n")
        return 0
    name, *rest = words
    if name not in commands():
        print(f"error: {unknown('command', name, commands())}", file=sys.stderr)
        return 2
    sys.argv = [sys.argv[0], *rest]
    runpy.run_module(f"experiments.{name}", run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
