"""Where each file comes from, as a table of the appendix: files.tex; and a note on files older than the code."""

from __future__ import annotations

from pathlib import Path

from paper import benchmarks, comparison, questions, result_age
from paper.latex import escape
from paper.missing_files import REPORT
from paper.setup_file import RUNTIMES, Setup, setup

COLUMNS = "".join(rf">{{\raggedright\arraybackslash}}p{{{width}\columnwidth}}" for width in (0.25, 0.36, 0.32))
HEAD = rf"""\begin{{tabular}}{{@{{}}{COLUMNS}@{{}}}}
\toprule
files & space, pixels; machine, threads; software & verdict, commit \\
\midrule
"""


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX: a footnote on results that are older than the code; empty if there are none."""
    older = [escape(line.partition("; to renew")[0]) for line in result_age.lines(results)]
    text = f"These results are not of the present code. {'; '.join(older)}."
    note = rf"\begingroup\renewcommand{{\thefootnote}}{{}}\footnotetext{{{text}}}\endgroup"
    return {"AgeNote": note if older else ""}


def write(results: Path, build: Path) -> None:
    """Writes files.tex in the folder `build`. Raises ResultError."""
    groups = [REPORT[1:], *(part.files[:-1] for part in questions.PARTS.values())]
    setups = ["setup.csv", *(part.files[-1] for part in questions.PARTS.values())]
    run = setup(results)
    lines = [
        _line([file for file in files if (results / file).exists()], setup(results, name), run)
        for files, name in zip(groups, setups)
        if (results / name).exists()
    ]
    for folder in benchmarks.folders(results):
        files = [f"{folder.name}/{file}" for file in comparison.FILES_OF_IT[:-1]]
        lines.append(_line(files, setup(folder, comparison.SETUP), run))
    (build / "files.tex").write_text(f"{HEAD}{''.join(lines)}\\bottomrule\n\\end{{tabular}}\n", encoding="utf-8")


def _line(files: list[str], made: Setup, run: Setup) -> str:
    known = {key: value for key, value in made.values.items() if value}
    states = [known[key] for key in ("table_verdict", "session_verdict") if key in known]
    origin = _made_of(made)
    cells = [
        _breakable(escape(", ".join(file.removesuffix(".csv") for file in files))),
        "the same" if made.path != run.path and origin == _made_of(run) else origin,
        ", ".join([*dict.fromkeys(states), rf"\texttt{{{escape(known.get('git_commit', 'unknown')[:13])}}}"]),
    ]
    return " & ".join(cells) + " \\\\\n"


def _made_of(made: Setup) -> str:
    """The space, the machine and the software, as far as they are known."""
    known = {key: escape(value) for key, value in made.values.items() if value}
    versions = [f"{RUNTIMES[key]} {known[key]}" for key in RUNTIMES if key in known]
    machine = known.get("cpu") or known.get("device") or known.get("host_cpu", "")
    threads = f", {known['threads']}" if "threads" in known else ""
    facts = (", ".join(known[key] for key in ("space", "resolution") if key in known), machine + threads, *versions)
    return _breakable("; ".join(filter(None, facts))) or "--"


def _breakable(text: str) -> str:
    """The LaTeX text with breaks allowed after underscores and slashes."""
    return text.replace(r"\_", r"\_\allowbreak{}").replace("/", r"/\allowbreak{}")
