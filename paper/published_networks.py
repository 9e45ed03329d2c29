"""Words on a comparison on published networks: the accuracies and latencies of their file, with citations."""

from __future__ import annotations

from paper.compression_rows import PRECISION_NAMES
from paper.latex import escape, listed
from paper.setup_file import Setup

CITED = {  # part of a title -> reference; the longest first, as one contains another
    "HW-NAS-Bench": "li2021hwnasbench",
    "NAS-Bench-201": "dong2020nasbench201",
    "NAS-Bench-Macro": "su2021prioritized",
}
MEASURED_BY = {"nasbench201_cifar10_rpi4.csv": "HW-NAS-Bench"}  # file -> whose latencies it has


def are_in(made: Setup) -> bool:
    """Whether the networks of a comparison were read from a published file, and not from a supernet."""
    return "accuracy_seen" in made.values


def cited(title: str) -> str:
    """The title in LaTeX, with the references of the first benchmark that it names."""
    text = escape(title)
    name = next((name for name in CITED if name in text), "")
    return text.replace(name, rf"{name}~\cite{{{CITED[name]}}}", 1) if name else text


def predicted(made: Setup) -> bool:
    """Whether the latencies were predicted by a latency table of ours, and not read from the file."""
    return bool(made.values.get("latencies_sha256") or made.values.get("precision"))


def columns(made: Setup) -> str:
    """A sentence on the accuracies by which a file's networks were chosen and judged."""
    seen, reported = escape(made.text("accuracy_seen")), made.text("accuracy_reported").split("+")
    judges = "the mean of " * (len(reported) > 1) + listed(map(escape, reported))
    flattered = ", which flatters all strategies" if made.text("accuracy_seen") in reported else ""
    if reported == [made.text("accuracy_seen")]:
        judges = "the same column"
    return f" The searches saw the column {seen} of the file; their choices are judged by {judges}{flattered}."


def latencies(made: Setup) -> str:
    """A sentence on the origin of the latencies."""
    if predicted(made):
        return f" The latencies are predicted by our latency table of {machine(made)}."
    publishers = MEASURED_BY.get(made.values.get("data_file", ""))
    who = f"the publishers of {cited(publishers)}" if publishers else "its publishers"
    return f" The latencies are also those of the file, measured by {who} on their device, not by us."


def machine(made: Setup) -> str:
    """The machine of the latency table, its threads and the precision."""
    threads, precision = made.values.get("threads"), made.values.get("precision", "")
    facts = [f"{threads} thread{'' if threads == '1' else 's'}"] if threads else []
    facts += [escape(PRECISION_NAMES.get(precision, precision))] if precision else []
    return escape(made.machine) + (f" ({', '.join(facts)})" if facts else "")


def origin(made: Setup) -> str:
    """Words for a table: the file, and where its latencies come from."""
    file = f"the file {escape(made.values.get('data_file') or made.text('space'))}"
    if predicted(made):
        return f"accuracies of {file}; latencies predicted for {machine(made)}"
    return f"{file}, with its publishers' accuracies and latencies; nothing was measured here"
