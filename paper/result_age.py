"""The age of the results: the commits that they record, compared with this checkout's."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from paper import comparison
from paper.rows import FILES, Curve, Pair
from paper.setup_file import setup

HERE = Path(__file__).resolve().parents[1]
CODE = ("search_spaces", "predictors", "strategies", "compress", "experiments", "hydra_conf")  # affects results


def lines(results: Path) -> Iterator[str]:
    """One line per commit that differs from this checkout's, with the files that record it."""
    if comparison.published(results) and not comparison.recorded(results):
        yield (
            f"{FILES[Curve]}, {FILES[Pair]}: made by older code, and no {comparison.SETUP} records their set-up; to "
            "renew them: python -m experiments.compare publish=true"
        )
    made_by: dict[str, list[str]] = {}
    for path in sorted([*results.glob("*setup.csv"), *results.glob("*/*setup.csv")]):
        commit = setup(path.parent, path.name).values.get("git_commit", "")
        made_by.setdefault(commit, []).append(str(path.relative_to(results)))
    for commit, names in made_by.items():
        if age := _age(commit):
            yield f"{', '.join(names)}: {age}"


def _age(commit: str) -> str:
    """A note on results made by that commit; empty if the code is the same, or if git cannot tell."""
    if _git("rev-parse", "--verify", "HEAD") is None:
        return ""
    if not commit:
        return "the commit that made these results is not recorded"
    count = _git("rev-list", "--count", f"{commit.rstrip('+')}..HEAD", "--", *CODE)
    if count is None:
        return f"made by commit {commit}, which this checkout does not have"
    if count != "0":
        return f"made by commit {commit}, which is {count} commit{'s' if count != '1' else ''} behind this code"
    return f"made by commit {commit} with uncommitted changes" if commit.endswith("+") else ""


def _git(*words: str) -> str | None:
    """git's output; None if it fails or is not installed."""
    try:
        done = subprocess.run(["git", *words], cwd=HERE, capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
