"""Whether a run was long enough to mean something; a shorter one is stamped on every page."""

from __future__ import annotations

from paper.latex import count
from paper.setup_file import Setup

TRAININGS = {"supernet": "the supernet", "retrain": "the winner"}
BATCH = 64  # images per step, for files that do not record it


def stamp(run: Setup) -> str:
    """Words for every page if a network was trained for less than one epoch; otherwise empty."""
    images = run.number("train_images")
    for training, network in TRAININGS.items():
        key = f"{training}_images"
        seen = run.number(key) if run.values.get(key) else BATCH * run.number(f"{training}_steps")
        if seen < images:
            return (
                rf"NOT A RESULT: a run of smoke length, in which {network} was trained on {count(seen)} images, not "
                f"even once on each of the {count(images)}"
            )
    return ""
