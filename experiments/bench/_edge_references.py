"""The part of the benchmark `edge` about hand-made networks: those that every runtime's writer can write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from compress.files.own_kinds import OWN_KINDS
from compress.runtimes import RUNTIMES
from experiments.bench import runtimes
from experiments.store import artefacts
from search_spaces.costs import macs, parameters

REFERENCES = Path("experiments/bench/edge_results/references.csv")
PIXELS, CLASSES, ROUNDS = 32, 10, 15


def references(settings: Mapping[str, str]) -> list[dict[str, object]]:
    """Times them in one session, in both runtimes and precisions, not pruned; writes REFERENCES. There is no bar."""
    networks = {name: make(3, PIXELS, CLASSES) for name, make in OWN_KINDS.items()}
    rows = [
        {"pixels": PIXELS, "macs": macs(networks[name]), "parameters": parameters(networks[name]), **row}
        for row in runtimes.measured("hand-made networks", networks, ROUNDS)
        for name in [str(row["arch"])]
    ]
    artefacts.write_csv(REFERENCES, rows)
    return [
        {
            "what": f"{row['arch']} in {name}: fp32's latency / INT8's",
            "value": runtimes.seconds_of(row, (name, "fp32")) / runtimes.seconds_of(row, (name, "int8")),
        }
        for row in rows
        for name in RUNTIMES
    ]
