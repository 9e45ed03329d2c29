"""The names of targets, without the words that are the same for all of them, and a sentence on what differs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from paper.compression_rows import PRECISION_NAMES
from paper.latex import count, listed
from paper.setup_file import RUNTIMES
from paper.transfer_rows import Transferred

NAME = re.compile(r"(?:(?P<device>\S.*) )?(?P<runtime>\S+) (?P<precision>\S+) (?P<threads>\d+) threads?")
DIFFERING = {"runtime": "the runtime", "precision": "the precision", "threads": "the number of threads"}


@dataclass(frozen=True)
class Target:
    """The parts of a target's name; no device: this machine."""

    device: str
    runtime: str
    precision: str
    threads: str


def parts(names: Sequence[str]) -> dict[str, Target]:
    """By name; empty if the names are not those that `experiments.transfer` makes."""
    found = {name: NAME.fullmatch(name) for name in names}
    targets = {name: Target(**match.groupdict("")) for name, match in found.items() if match}
    return targets if len(targets) == len(found) else {}


def words(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The words of each target, by name: its runtime and precision; also device and threads if they differ."""
    targets = parts(names)
    if not targets:
        return {name: (name,) for name in names}
    devices, threads = ({getattr(one, key) for one in targets.values()} for key in ("device", "threads"))
    shown = {}
    for name, one in targets.items():
        precision = PRECISION_NAMES.get(one.precision, one.precision)
        device = (one.device or "this machine",) if len(devices) > 1 else ()
        number = (f"{one.threads} thread{'s' if one.threads != '1' else ''}",) if len(threads) > 1 else ()
        shown[name] = (*device, RUNTIMES.get(one.runtime, one.runtime), precision, *number)
    return shown


def deciding(groups: Sequence[Sequence[str]]) -> str:
    """What alone decides which group a target is in: "the precision".

    Empty if nothing does, or if the targets differ in nothing else.
    """
    targets = parts([name for group in groups for name in group])
    kinds = {"device": "the machine", **DIFFERING}
    differing = [key for key in kinds if len({getattr(one, key) for one in targets.values()}) > 1]
    found = []
    for key in differing if len(differing) > 1 else ():
        values = [{getattr(targets[name], key) for name in group} for group in groups]
        if all(len(one) == 1 for one in values) and len(set.union(*values)) == len(groups):
            found.append(kinds[key])
    return found[0] if len(found) == 1 else ""


def machines(rows: Sequence[Transferred]) -> int:
    """The number of machines; two boards of one model have different names."""
    targets = parts(list(dict.fromkeys(row.target for row in rows)))
    return len({(row.device, targets[row.target].device if targets else "") for row in rows})


def sentence(rows: Sequence[Transferred]) -> str:
    """How many targets there are, on how many machines, and what else differs between them."""
    names = list(dict.fromkeys(row.target for row in rows))
    targets, several = [*parts(names).values()], machines(rows)
    told = f"The {count(len(names))} targets are all on one machine"
    if several > 1:
        told = f"The {count(len(names))} targets are on {count(several)} machines"
    if not targets:
        return f"{told}."
    differ = [text for key, text in DIFFERING.items() if len({getattr(one, key) for one in targets}) > 1]
    if "the number of threads" not in differ:
        told += f" and use {targets[0].threads} thread{'s' if targets[0].threads != '1' else ''}"
    if not differ:
        return f"{told}."
    verb = f"differ{'s' if len(differ) == 1 else ''}"
    return f"{told}; {listed(differ)} {verb} too." if several > 1 else f"{told}; only {listed(differ)} {verb}."
