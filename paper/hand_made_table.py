"""The table of the winner's files and of hand-made networks, from hand_made.csv."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from paper.compression_rows import HandMade, measured
from paper.hand_made import ARTICLE, WINNER, split
from paper.hand_made_names import name
from paper.latex import decimals
from paper.rows import FILES

COLUMNS = (
    *(("test", r"(\%)"), ("latency", "(ms)"), (r"$\pm$", r"(\%)"), ("file", "(kB)")),
    *(("", "MMACs"), ("weights", "(thousand)"), ("training", "steps")),
)


def write(results: Path, build: Path) -> None:
    """Writes hand_made.tex in the folder `build`, if there are results for it. Raises ResultError.

    Ours come first, then the others, each from fast to slow.
    """
    if not (results / FILES[HandMade]).exists():
        return
    ours, others = split(results)
    places = decimals(1e3 * median(row.latency_median_s for row in (*ours.values(), *others)))
    fast = [sorted(rows, key=lambda row: row.latency_median_s) for rows in (ours.values(), others)]
    columns = COLUMNS if len({row.steps for rows in fast for row in rows}) > 1 else COLUMNS[:-1]  # as the text says
    head = "".join(f" & {' & '.join(line)} \\\\\n" for line in zip(*columns))
    parts = ["".join(_row(row, places, len(columns)) for row in rows) for rows in fast]
    start = f"\\begin{{tabular}}{{@{{}}l{'r' * len(columns)}@{{}}}}\n\\toprule\n"
    text = start + "\\midrule\n".join([head, *parts])
    (build / "hand_made.tex").write_text(text + "\\bottomrule\n\\end{tabular}\n", encoding="utf-8")


def _row(row: HandMade, places: int, columns: int) -> str:
    first = "winner, compressed" if row.stage == WINNER else name(row).removeprefix(ARTICLE).removesuffix(" network")
    cells = [*measured(row, places), f"{row.parameters / 1e3:.0f}", row.trained]
    return " & ".join([first, *cells[:columns]]) + " \\\\\n"
