"""Made-up transfer matrices, and results that have them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path

from paper.transfer_rows import MACS, PARAMETERS, Transferred

FAST, SMALL = "onnxruntime fp32 1 thread", "onnxruntime int8 1 thread"
LITE, LITE_SMALL = "litert fp32 1 thread", "litert int8 1 thread"
SHARED = {FAST: "a", SMALL: "b", LITE: "a", LITE_SMALL: "b"}  # two networks
BASES = {MACS: "a", PARAMETERS: "c"}


def matrix(networks: Mapping[str, str], loss: float = 0.5) -> list[Transferred]:
    """A matrix of targets that choose these networks; each other network takes longer by `loss`."""
    rows = []
    for target, mine in networks.items():
        for chosen_for, arch in (networks | BASES).items():
            own = arch == mine
            lose, spread = (0.0, 0.0) if own else (loss, 0.005)
            lost_in = (lose, lose - spread, lose + spread)
            seconds = 1e-3 * (1 + lose)
            numbers = (0.9, 1e6, 1e4, 1e-3, seconds, seconds, seconds, *lost_in)
            rows.append(Transferred(target, chosen_for, arch, *numbers, "A & B", target.split()[0] + " 1.0", "clean"))
    return rows


def write(folder: Path, rows: list[Transferred]) -> Path:
    """Writes them as results."""
    with (folder / "transfer.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [one.name for one in fields(Transferred)])
        writer.writeheader()
        writer.writerows(map(asdict, rows))
    for name in ("setup.csv", "transfer_setup.csv"):
        facts = "space,edge\nresolution,32\ndata,digits\ncpu,A\nthreads,1\nonnxruntime,1.0"
        (folder / name).write_text(f"key,value\n{facts}\n")
    return folder
