"""Where each file comes from, as a table of the appendix: files.tex; and a note on files older than the code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from paper import agreement, origin, other_results, published_networks, questions, result_age
from paper.latex import escape, listed
from paper.missing_files import REPORT
from paper.result_age import Age
from paper.rows import FILES, Transferred, read
from paper.setup_file import RUNTIMES, Setup, setup

FIRST = "stages"  # the file by which the run's own line is known
COLUMNS = "".join(rf">{{\raggedright\arraybackslash}}p{{{width}\columnwidth}}" for width in (0.25, 0.36, 0.32))
HEAD = rf"""\begin{{tabular}}{{@{{}}{COLUMNS}@{{}}}}
\toprule
files & space, pixels; machine, threads; software & verdict, commit \\
\midrule
"""


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX: a footnote on results that are older than the code; empty if there are none."""
    text = " ".join(_older([*result_age.ages(results)]))
    note = rf"\begingroup\renewcommand{{\thefootnote}}{{}}\footnotetext{{{text}}}\endgroup"
    return {"AgeNote": note if text else ""}


def _older(ages: Sequence[Age]) -> Iterator[str]:
    """Sentences: how old the oldest results are, and what is not known of others."""
    table = r"Table~\ref{tab:files} gives the commit of each file."
    older, others = [age for age in ages if age.older], [age for age in ages if not age.older]
    if older:
        behind = max(age.behind or 0 for age in older)
        oldest = f" (the oldest is {result_age.commits(behind)} behind)" if behind else ""
        yield f"Some results were made by earlier versions of the code{oldest}; {table}"
    if any(age.commit and age.behind is None for age in others):
        yield "This checkout does not have the commit of some results."
    if any(not age.commit for age in others):
        yield "Some results do not record their commit."
    if any(age.commit.endswith("+") for age in ages):
        yield "Some results were made with uncommitted changes."
    if others and not older:
        yield table


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
    for kind, group in other_results.GROUPS.items():
        files = [name for name in group.files if name != group.setup]
        for folder in other_results.folders(results, kind):
            lines.append(_line(files, setup(folder, group.setup), run, f" in {folder.name}"))
    (build / "files.tex").write_text(f"{HEAD}{''.join(lines)}\\bottomrule\n\\end{{tabular}}\n", encoding="utf-8")


def _line(files: Sequence[str], made: Setup, run: Setup, where: str = "") -> str:
    known = {key: value for key, value in made.values.items() if value}
    states = [known[key] for key in ("table_verdict", "session_verdict") if key in known]
    made_of = published_networks.origin(made) if published_networks.are_in(made) else _made_of(made, run, files)
    cells = [
        _breakable(escape(", ".join(file.removesuffix(".csv") for file in files) + where)),
        _breakable(made_of) or "--",
        ", ".join([*dict.fromkeys(states), rf"\texttt{{{escape(known.get('git_commit', 'unknown')[:13])}}}"]),
    ]
    return " & ".join(cells) + " \\\\\n"


def _made_of(made: Setup, run: Setup, files: Sequence[str]) -> str:
    """The space, the machine and the software; those that are the run's are left out of the other files' lines."""
    rows = read(made.path.parent, Transferred) if FILES[Transferred] in files else []
    found = [(_space(one), _machine(one, own), _software(one, own)) for one, own in ((made, rows), (run, []))]
    facts, ours = found
    if made.path == run.path:
        return "; ".join(filter(None, facts))
    images = origin.other_images(made, run)
    told = [f"images {images}"] if images else []
    differing = [fact for fact, our in zip(facts, ours) if fact != our]
    if len(differing) == len(facts) or not all(differing):
        return "; ".join([*told, *filter(None, facts)])
    told += differing
    return "; ".join([*told, f"otherwise as for {FIRST}"]) if told else f"as for {FIRST}"


def _space(made: Setup) -> str:
    """The space with its trunks, or the network without a space; and the size of its images."""
    space, pixels = made.values.get("space", ""), made.values.get("resolution")
    trunks = made.values.get("trunks") or ("all" if space in origin.TRUNKS else "")  # older files are of all trunks
    what = escape(space or made.values.get("network", "")) + (origin.under(trunks, space) if space else "")
    return ", ".join(filter(None, (what, f"{escape(pixels)} pixels" if pixels else "")))


def _machine(made: Setup, rows: Sequence[Transferred]) -> str:
    """The machine and its threads, or all machines of a transfer matrix."""
    machines = [*dict.fromkeys(escape(row.device) for row in rows)]
    if len(machines) > 1:
        return listed(machines)
    threads = made.values.get("threads")
    machine = made.values.get("cpu") or made.values.get("device") or made.values.get("host_cpu") or "unnamed machine"
    return escape(machine) + (f", {threads} thread{'' if threads == '1' else 's'}" if threads else "")


def _software(made: Setup, rows: Sequence[Transferred]) -> str:
    """The runtimes with their versions, also those of a transfer matrix; empty if nothing was timed."""
    if not any(made.values.get(key) for key in agreement.NAMES):
        return ""
    versions = [escape(f"{name} {made.values[key]}") for key, name in RUNTIMES.items() if made.values.get(key)]
    return ", ".join(dict.fromkeys([*versions, *(_runtime(row.runtime) for row in rows)]))


def _runtime(version: str) -> str:
    """A runtime and its version, "litert 2.3.0", as they are in the text."""
    key, _, number = version.partition(" ")
    return escape(f"{RUNTIMES.get(key, key)} {number}")


def _breakable(text: str) -> str:
    """The LaTeX text with breaks allowed after underscores and slashes."""
    return text.replace(r"\_", r"\_\allowbreak{}").replace("/", r"/\allowbreak{}")
