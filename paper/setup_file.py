"""The configuration and machine of a run: a CSV file of keys and values, next to the results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from paper.csv_records import ResultError, number, records

RUNTIMES = {"onnxruntime": "onnxruntime", "litert": "LiteRT"}  # key -> name


@dataclass(frozen=True)
class Setup:
    """The run's configuration and machine, by key. An empty value means unknown."""

    path: Path
    values: dict[str, str]

    def text(self, key: str) -> str:
        if key not in self.values:
            raise ResultError(f"{self.path}: there is no row with key={key}")
        return self.values[key] or "unknown"

    @property
    def machine(self) -> str:
        """The name of the machine: its processor, or if that is unknown, its model."""
        return self.values.get("cpu") or self.values.get("device") or "a machine whose name is unknown"

    @property
    def runtime(self) -> str:
        """The key of the runtime whose version the file has."""
        return next((key for key in RUNTIMES if key in self.values), "onnxruntime")

    @property
    def under(self) -> str:
        """The trunks of the space in words, " under 3 of its trunks"; empty if it has none, or the file is older."""
        kept = self.values.get("trunks", "").split()
        return f" under {'all its trunks' if kept == ['all'] else f'{len(kept)} of its trunks'}" if kept else ""

    def optional(self, key: str) -> float | None:
        """A number, or None if the value is empty."""
        return None if self.text(key) == "unknown" else number(self.values[key], str(self.path), f"value of {key}")

    def number(self, key: str) -> float:
        self.text(key)
        return number(self.values[key], str(self.path), f"value of {key}")


def setup(results: Path, name: str = "setup.csv") -> Setup:
    """A file of keys and values as a mapping. Raises ResultError."""
    path = results / name
    return Setup(path, {row["key"]: row["value"] for row in records(path, {"key": str, "value": str})})
