"""The age of the results: the commits that they record, compared with this checkout's."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paper import comparison
from paper.rows import FILES, Curve, Pair
from paper.setup_file import setup

HERE = Path(__file__).resolve().parents[1]
CODE = ("search_spaces", "predictors", "strategies", "compress", "experiments", "hydra_conf")  # affects results


@dataclass(frozen=True)
class Age:
    """Files whose code differs from this checkout's, or may differ: one commit made them."""

    files: tuple[str, ...]
    commit: str = ""  # empty: not recorded; ends with + if there were uncommitted changes
    behind: int | None = None  # commits to the code since; None: unknown
    has_setup: bool = True  # whether a setup file belongs to them, which records the commit

    @property
    def older(self) -> bool:
        """Whether the files are known to be older than this code."""
        return not self.has_setup or bool(self.behind)

    def line(self) -> str:
        """The age in words for people."""
        names, by = ", ".join(self.files), f"made by commit {self.commit}"
        if not self.has_setup:
            message = (
                f"made by older code, and no {comparison.SETUP} records their set-up; to renew them: python -m "
                "experiments.compare publish=true"
            )
        elif not self.commit:
            message = "the commit that made these results is not recorded"
        elif self.behind is None:
            message = f"{by}, which this checkout does not have"
        elif self.behind:
            message = f"{by}, which is {commits(self.behind)} behind this code"
        else:
            message = f"{by} with uncommitted changes"
        return f"{names}: {message}"


def commits(count: int) -> str:
    return f"{count} commit{'' if count == 1 else 's'}"


def lines(results: Path) -> Iterator[str]:
    """One line per commit that differs from this checkout's, with the files that record it."""
    return (age.line() for age in ages(results))


def ages(results: Path) -> Iterator[Age]:
    """The files of each commit that differs from this checkout's; those made by its code are left out."""
    if comparison.published(results) and not comparison.recorded(results):
        yield Age((FILES[Curve], FILES[Pair]), has_setup=False)
    if _git("rev-parse", "--verify", "HEAD") is None:
        return
    made_by: dict[str, list[str]] = {}
    for path in sorted([*results.glob("*setup.csv"), *results.glob("*/*setup.csv")]):
        commit = setup(path.parent, path.name).values.get("git_commit", "")
        made_by.setdefault(commit, []).append(str(path.relative_to(results)))
    for commit, names in made_by.items():
        count = _git("rev-list", "--count", f"{commit.rstrip('+')}..HEAD", "--", *CODE) if commit else None
        if count != "0" or commit.endswith("+"):
            yield Age(tuple(names), commit, None if count is None else int(count))


def _git(*words: str) -> str | None:
    """git's output; None if it fails or is not installed."""
    try:
        done = subprocess.run(["git", *words], cwd=HERE, capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
