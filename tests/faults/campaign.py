"""Campaigns: many seeded trials of one kind of fault.

`make test` runs a few trials of every campaign, `make faults` all of them. A finished trial is one line of a journal in
the folder that LUTRA_FAULTS names, so a campaign that was stopped resumes with the next trial.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

import pytest

from experiments.store import journal

FOLDER = os.environ.get("LUTRA_FAULTS", "")  # of the journals; if empty, only the fast share runs, without a journal
SHOWN = 3  # wrong trials in the failure message

Figures = Mapping[str, float]
Trial = Callable[[Random], Figures]


def campaign(name: str, unit: str, complete: int, fast: int, trial: Trial) -> Counter[str]:
    """Runs trials until the sum of their figures named `unit` is `complete` (`fast` without a folder of journals).

    `trial(rng)` returns its figures and raises if something went wrong; its random numbers depend only on the
    campaign's name and the trial's number. Returns and prints the sums of all figures. Fails at the end if
    any trial was wrong, and names the first few.
    """
    path = Path(FOLDER) / f"{name}.jsonl" if FOLDER else None
    records = list(journal.read(path)) if path else []
    while sum(record["figures"].get(unit, 0) for record in records) < (complete if path else fast):
        records.append(_tried(f"{name} {len(records)}", unit, trial))
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            journal.append(path, records[-1])
    figures: Counter[str] = Counter()
    for record in records:
        figures.update(record["figures"])
    wrong = [record for record in records if record["wrong"]]
    print(json.dumps({"campaign": name, "trials": len(records), "wrong": len(wrong), **figures}))
    if wrong:
        told = "\n".join(f"{record['trial']}: {record['wrong']}" for record in wrong[:SHOWN])
        pytest.fail(f"{len(wrong)} of {len(records)} trials of {name} went wrong\n{told}")
    return figures


def _tried(name: str, unit: str, trial: Trial) -> dict[str, object]:
    """Runs one trial and returns its record; a wrong trial counts as one unit."""
    begin, figures, wrong = time.monotonic(), dict[str, float](), ""
    try:
        figures.update(trial(Random(name)))
    except Exception as error:
        figures[unit], wrong = 1, f"{type(error).__name__}: {error}"[:2000]
    return {"trial": name, "figures": figures, "wrong": wrong, "seconds": round(time.monotonic() - begin, 3)}
