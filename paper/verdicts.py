"""Sentences on the verdicts on the latency table, and on the session in which all files were timed."""

from __future__ import annotations

import re

from paper.latex import escape, listed
from paper.setup_file import Setup

PART = re.compile(r"(?:session|(first pass|second pass|seed \d+)): (.+)")  # of a session, and a reason for its verdict
SEED = re.compile(r"seed \d+: ")
CLEAN = re.compile(r"^all \d+ \w+ are known within ")
KNOWN_TO = re.compile(r"\+-([\d.]+) %")

UNKNOWN = {"throttled": "throttling", "clock_khz": "clock", "temperature_mc": "temperature"}  # facts in words


def verdict(setup: Setup) -> str:
    """Sentences on the verdicts on the table and the session, with reasons."""
    texts = []
    for what, name in (("table", "latency table"), ("session", "session in which all files were timed")):
        state, reasons = (setup.values.get(f"{what}_verdict{part}", "") for part in ("", "_reasons"))
        if state:
            short = "; ".join(reason.partition(": ")[0] for reason in reasons.split("; "))
            why = "" if state == "clean" or not reasons else f" ({escape(short)})"
            texts.append(f"the {name} was {escape(state)}{why}")
    if not texts:
        return "Disturbances during the measurement are not recorded."
    unknown = [UNKNOWN.get(key, escape(key)) for key in setup.values.get("table_unknown", "").split()]
    silent = f" The machine reports nothing about {listed(unknown)}, so these were not checked." if unknown else ""
    return f"According to the checks during the measurement, {'; '.join(texts)}.{silent}"


def of_session(setup: Setup) -> str:
    """A sentence on a session, or on several, that was not clean, with the reasons; otherwise empty."""
    state, reasons = (setup.values.get(f"session_verdict{part}", "") for part in ("", "_reasons"))
    if state in ("", "clean"):
        return ""
    which = "A session" if len({*SEED.findall(reasons)}) > 1 else "The session"
    return f"{which} was {escape(state)} ({_in_words(reasons)})."


def _in_words(reasons: str) -> str:
    """What disturbed each part of the session; of a list of files only the worst interval."""
    found: dict[str, list[str]] = {}
    for reason in reasons.split("; "):
        part = PART.fullmatch(reason)
        name, text = part.groups("") if part else ("", reason)
        told, _, files = text.partition(": ")
        if worst := max(KNOWN_TO.findall(files), key=float, default=""):
            text = f"{told}, at worst to +-{worst} %"
        if not CLEAN.search(text):
            found.setdefault(name, []).append(escape(text).replace("+-", r"$\pm$").replace(r" \%", r"\,\%"))
    return "; ".join(f"{name}{': ' if name else ''}{listed(own)}" for name, own in found.items())


def of_table(setup: Setup) -> str:
    """A sentence for the table's caption if it is not clean; otherwise empty."""
    state, reasons = (setup.values.get(f"table_verdict{part}", "") for part in ("", "_reasons"))
    if state in ("", "clean"):
        return ""
    why = [escape(reason.partition(": ")[0]) for reason in reasons.split("; ") if reason]
    reason = " and ".join([", ".join(why[:-1]), why[-1]] if len(why) > 1 else why)
    return f"The table is {escape(state)}{': ' if reason else ''}{reason}."
