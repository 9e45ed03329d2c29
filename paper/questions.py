"""The paper's questions, the files that answer each, and what is left out because its files are missing.

A part is a group of files that one command publishes. The text has it between the braces of \\IfNAME{...}, which is
empty without these files; \\NoNAME{...} is the opposite.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paper import benchmarks, comparison, origin, ranking, seeds
from paper.compression_rows import HandMade, PruningRule, Variant
from paper.csv_records import writer
from paper.latex import escape
from paper.rows import FILES, Fresh, Judged, Operator, Ranked, RankTau, Seeded, Summed, Transferred, TriedRecipe

TABLE = "Is the table right?"
HARDWARE = "Does the hardware decide?"
SEARCH = "Does search beat hand-made networks and random search?"
STAGES = "What does each compression stage add?"
SUPERNET = "Does the supernet rank?"


@dataclass(frozen=True)
class Part:
    """Files, what they are about, and the question that they help to answer; empty: an appendix."""

    question: str
    about: str
    files: tuple[str, ...]

    @property
    def command(self) -> str:
        return writer(self.files[0])


def _part(question: str, about: str, *kinds: type) -> Part:
    files = tuple(FILES[kind] for kind in kinds)
    command = writer(files[0]).split()[2].removeprefix("experiments.")
    return Part(question, about, (*files, f"{command}_setup.csv"))


PARTS = {  # in the order of the questions
    "Fidelity": _part(TABLE, "predictions for new networks", Fresh, Judged),
    "Protocols": _part(TABLE, "ways to time a block", Summed),
    "Transfer": _part(HARDWARE, "networks that were chosen for other targets", Transferred),
    "HandMade": _part(SEARCH, "hand-made networks", HandMade),
    "Compare": Part(SEARCH, "strategies of search", comparison.FILES_OF_IT),
    "Seeds": _part(SEARCH, "the spread over seeds", Seeded),
    "Ablation": _part(STAGES, "subsets of the stages", Variant),
    "Rules": _part(STAGES, "rules of pruning", PruningRule),
    "Ranking": _part(SUPERNET, "networks trained alone", Ranked, RankTau),
    "Recipes": _part("", "training recipes", TriedRecipe),
    "Profile": _part("", "operators of the deployed file", Operator),
}
QUESTIONS = (TABLE, HARDWARE, SEARCH, STAGES, SUPERNET)
ALWAYS = (TABLE, SEARCH, STAGES)  # the report's own files say something about these


def given(results: Path, name: str) -> bool:
    """Whether the paper has this part: its files were published and, if it must, it is of the paper's run."""
    if name == "Compare":
        return comparison.published(results)
    if name == "Benchmarks":
        return benchmarks.published(results)
    if name == "Ranking":
        return ranking.published(results)
    if name == "Seeds":
        return seeds.published(results)
    if name in origin.OPTIONAL:
        return origin.used(results, name)
    return any((results / file).exists() for file in PARTS[name].files)


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX: the conditionals, the questions that the files answer, and what is left out."""
    found = {name: given(results, name) for name in (*PARTS, "Benchmarks", "Steady")}
    texts = {f"If{name}": r"\Shown" if there else r"\LeftOut" for name, there in found.items()}
    texts |= {f"No{name}": r"\LeftOut" if there else r"\Shown" for name, there in found.items()}
    answered = {part.question for name, part in PARTS.items() if found[name]} | {*ALWAYS}
    asked = [rf"\emph{{{question}}}" for question in QUESTIONS if question in answered]
    return texts | {"Questions": " ".join(asked), "MissingSentence": _missing(results)}


def missing(results: Path) -> list[Part]:
    """The parts that the paper lacks because none of their files were published."""
    return [part for part in PARTS.values() if not any((results / file).exists() for file in part.files)]


def lines(results: Path) -> Iterator[str]:
    """One line for each part that the paper lacks: its first file, the question, and the command."""
    for part in missing(results):
        where = f" ({part.question})" if part.question else ""
        yield f"{part.files[0]} is missing, so the paper leaves out {part.about}{where}; write it with: {part.command}"


def _missing(results: Path) -> str:
    """A sentence on what the results lack, with the command that makes each; empty if they lack nothing."""
    lacking = [
        f"{part.about} (\\texttt{{lutra {escape(part.command.split()[2].removeprefix('experiments.'))}}})"
        for part in missing(results)
    ]
    if not lacking:
        return ""
    return (
        f"Left out, because the files are missing: {'; '.join(lacking)}. The command in brackets, with "
        r"\texttt{publish=true}, adds each."
    )
