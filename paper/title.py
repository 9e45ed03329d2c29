"""The title and the author, from title.csv if the user named them, and the stamp on every page."""

from __future__ import annotations

from pathlib import Path

from paper import run_length
from paper.latex import escape
from paper.setup_file import setup

FILE = "title.csv"
TITLE = r"Lutra: neural architecture search against\\the latency measured on your own device"
AUTHOR = "The Lutra authors"
# Puts \Stamp on every page; goes before \begin{document}
STAMPED = r"""\AddToHook{shipout/foreground}{%
  \put(0.5\paperwidth,-4mm){\makebox(0,0)[t]{\normalfont\sffamily\bfseries\scriptsize\color{red}\Stamp}}}
"""


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX. Raises ResultError."""
    given = setup(results, FILE).values if (results / FILE).exists() else {}
    return {
        "Title": escape(given.get("title", "")) or TITLE,
        "Author": escape(given.get("author", "")) or AUTHOR,
        "Stamp": run_length.stamp(setup(results)),
    }
