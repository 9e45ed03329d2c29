"""Ends a command whose device is a bundle, which is measured elsewhere."""

from __future__ import annotations

from pathlib import Path


class HandedOver(Exception):
    """The command ends here, because its device is a bundle whose results must be copied back first."""

    def __init__(self, bundle: Path) -> None:
        super().__init__(f"{bundle} waits for its results")
        self.bundle = bundle
