"""Made-up results of a comparison, and of its run."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from pathlib import Path

from paper import comparison

RUN = {
    "space": "mobile", "data": "image_folder", "data_file": "images.tar.gz", "resolution": "32", "precision": "int8",
    "objective": "bounded", "target_ms": "0.2", "table_sha256": "ab" * 32, "cpu": "C", "machine": "x86_64",
    "threads": "1", "onnxruntime": "1.32.0", "git_commit": "0123456789ab",
}  # fmt: skip
CURVE = (
    "problem,reference,strategy,against,seeds,at,evaluations,share,share_low,share_high,regret,regret_low,regret_high"
)
PAIR = "against,at,measure,a,b,mean_a,mean_b,p,significant,seeds,seeds_needed"
MEANS = {"random": (0.7, 0.2), "nsga2": (0.9, 0.1)}  # share, regret


def write_setup(path: Path, facts: Mapping[str, str]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("key", "value"), *facts.items()])


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def compared(folder: Path) -> Path:
    """Made-up results of a comparison and of its run."""
    write_setup(folder / "setup.csv", RUN)
    curves = [
        f"p,union,{name},{against},8,{at},{at},{share},0.6,0.95,{regret},0.05,0.3"
        for name, (share, regret) in MEANS.items()
        for against in ("evaluations", "seconds")
        for at in (10, 20)
    ]
    pairs = [
        f"{against},20,{measure},random,nsga2,{MEANS['random'][column]},{MEANS['nsga2'][column]},0.01,True,8,6"
        for against in ("evaluations", "seconds")
        for column, measure in enumerate(("share", "regret"))
    ]
    (folder / "curves.csv").write_text("\n".join([CURVE, *curves, ""]))
    (folder / "pairs.csv").write_text("\n".join([PAIR, *pairs, ""]))
    (folder / "compare.csv").write_text("strategy,seed\nrandom,0\n")
    seal(folder)
    return folder


def seal(folder: Path, **changed: str) -> None:
    hashes = {
        f"{name}_sha256": hashlib.sha256((folder / f"{name}.csv").read_bytes()).hexdigest()
        for name in ("compare", "curves", "pairs")
    }
    write_setup(folder / comparison.SETUP, {**RUN, **hashes, **changed})
