"""Builds the paper, or the slides of its talk, from a folder of CSV files.

`python -m paper.build [slides]` writes figures, numbers and tables, then paper.pdf or slides.pdf. Equal results give
equal bytes. Needs latexmk and Debian's texlive.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that the script can also be run by its path
from paper import (
    agreement,
    benchmarks,
    checksums,
    comparison,
    comparison_agreement,
    compression,
    hand_made_table,
    macros,
    missing_files,
    origin,
    other_results,
    prediction,
    protocols,
    provenance,
    pruning,
    questions,
    ranking,
    result_age,
    seeds,
    shares,
    tables,
    transfer,
)
from paper.csv_records import ResultError
from paper.figures import (
    ablation,
    architecture,
    compare,
    fidelity,
    heatmap,
    pareto,
    profile,
    steady,
    style,
    waterfall,
)
from paper.figures import prediction as whole_networks
from paper.figures import ranking as ranking_figure
from paper.figures import recipes as recipes_figure
from paper.figures import transfer as transfer_figure
from search_spaces.errors import LutraError

HERE = Path(__file__).resolve().parent
FOLDER = HERE if (HERE.parent / "setup.cfg").exists() else Path("paper")  # of a checkout; or, installed, from here
FIGURES = {
    "pareto": pareto.draw,
    "prediction": whole_networks.draw,
    "fidelity": fidelity.draw,
    "architecture": architecture.draw,
    "waterfall": waterfall.draw,
    "heatmap": heatmap.draw,
    "ablation": ablation.draw,
}
TABLES = (
    benchmarks,
    tables,
    prediction,
    protocols,
    compression,
    shares,
    hand_made_table,
    pruning,
    transfer,
    seeds,
    provenance,
)
PARTS = {"fidelity": "Fidelity", "ablation": "Ablation"}  # figure -> the part of the text that it belongs to
OPTIONAL: dict[
    str, tuple[Callable[[Path], bool], Callable[[Path], Any]]
] = {  # if the command of that name was run with publish=true
    "compare": (comparison.published, compare.draw),
    "ranking": (ranking.published, ranking_figure.draw),
    "recipes": (partial(origin.used, name="Recipes"), recipes_figure.draw),
    "profile": (partial(origin.used, name="Profile"), profile.draw),
    "transfer": (transfer.published, transfer_figure.draw),
    "steady": (partial(origin.used, name="Steady"), steady.draw),
}
DOCUMENTS = ("paper", "slides")  # with the same figures, numbers and tables
EARLIER = ("aux", "bbl", "blg", "fdb_latexmk", "fls", "log", "nav", "out", "pdf", "snm", "toc")  # files of LaTeX
PACKAGES = "latexmk texlive-latex-recommended texlive-latex-extra texlive-fonts-recommended lmodern"


def sources(results: Path, build: Path) -> None:
    """Writes everything that LaTeX reads: figures, numbers.tex, tables, the text. Raises LutraError."""
    build.mkdir(parents=True, exist_ok=True)
    missing_files.check(results)
    checksums.check(results)
    other_results.check(results)
    benchmarks.check(results)
    origin.check(results)
    agreement.check(results)
    comparison_agreement.check(results)
    transfer.check(results)
    macros.write(results, build)
    for module in TABLES:
        module.write(results, build)
    for name, draw in FIGURES.items():
        if name in PARTS and not questions.given(results, PARTS[name]):
            continue
        style.save(draw(results), build / f"{name}.pdf")
    for name, (published, drawn) in OPTIONAL.items():
        (build / f"{name}.pdf").unlink(missing_ok=True)
        if published(results):
            style.save(drawn(results), build / f"{name}.pdf")
    for name in (*(f"{document}.tex" for document in DOCUMENTS), "references.bib"):
        shutil.copyfile(HERE / name, build / name)


def typeset(build: Path, document: str = "paper") -> Path:
    """The PDF of a document's sources in `build`. Raises ResultError with LaTeX's first error."""
    if shutil.which("latexmk") is None:
        raise ResultError(f"latexmk is not installed; on Debian: apt-get install {PACKAGES}")
    for suffix in EARLIER:
        (build / f"{document}.{suffix}").unlink(missing_ok=True)
    command = [
        "latexmk",
        "-norc",
        "-pdf",
        "-halt-on-error",
        "-interaction=nonstopmode",
        "-file-line-error",
        f"{document}.tex",
    ]
    fixed = {"SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1", "max_print_line": "1000"}
    done = subprocess.run(command, cwd=build, env=os.environ | fixed, capture_output=True, text=True, errors="replace")
    if done.returncode:
        lines = done.stdout.splitlines() + done.stderr.splitlines()
        first = next((line for line in lines if line.startswith(("!", f"./{document}.tex:"))), "latexmk failed")
        log = build / f"{document}.log"
        raise ResultError(f"{first.strip()} (see {log}; a missing package: apt-get install {PACKAGES})")
    return build / f"{document}.pdf"


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds a document from a folder of CSV files.")
    parser.add_argument("document", nargs="?", choices=DOCUMENTS, default="paper")
    parser.add_argument("--results", type=Path, default=FOLDER / "results")
    parser.add_argument("--build", type=Path, default=FOLDER / "build")
    arguments = parser.parse_args()
    try:
        sources(arguments.results, arguments.build)
        for told in (origin, questions, result_age):
            for line in told.lines(arguments.results):
                print(line)
        print(typeset(arguments.build, arguments.document))
    except (LutraError, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
