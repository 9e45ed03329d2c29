"""The machine, space and images behind a group of result files, if they differ from those of the paper's run.

Each group has a file of keys and values that records them. The sections of `GROUPS` say in their
first sentence and in their captions that their files come from elsewhere; those of `OPTIONAL` are then left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from paper import agreement
from paper.compression_rows import Stage
from paper.csv_records import ResultError, writer
from paper.latex import escape, listed
from paper.recipe_rows import TriedRecipe
from paper.rows import FILES, Fresh, Judged, Moment, Operator, Ranked, RankTau, Summed, Transferred, read
from paper.seed_rows import Seeded
from paper.setup_file import RUNTIMES, Setup, setup
from search_spaces.documents import read_bytes, sha256


@dataclass(frozen=True)
class Group:
    """Files that one command publishes, and the file that records where they come from."""

    setup: str
    files: tuple[str, ...]
    machine: bool = True  # whether they depend on the machine,
    images: bool = False  # on the images, and not only on their size,
    network: bool = False  # and on the deployed file


GROUPS = {
    "Fresh": Group("fidelity_setup.csv", (FILES[Fresh], FILES[Judged])),
    "Protocol": Group("protocols_setup.csv", (FILES[Summed],)),
    "Ranking": Group("ranking_setup.csv", (FILES[Ranked], FILES[RankTau]), machine=False, images=True),
}
OPTIONAL = {
    "Recipes": Group("recipes_setup.csv", (FILES[TriedRecipe],), machine=False, images=True),
    "Transfer": Group("transfer_setup.csv", (FILES[Transferred],), images=True),
    "Profile": Group("profile_setup.csv", (FILES[Operator],), network=True),
    "Seeds": Group("seeds_setup.csv", (FILES[Seeded],), images=True),
    "Steady": Group("profile_setup.csv", (FILES[Moment],), network=True),
}
MACHINE = ("cpu", "device", "machine", "threads", *RUNTIMES, *agreement.STATE)
TRUNKS = {"edge": 12, "edge_imagenet": 11}  # how many a space has


def check(results: Path) -> None:
    """Raises ResultError if a file is not the one that its group's setup describes; older setups have no hashes."""
    for group in (*GROUPS.values(), *OPTIONAL.values()):
        if not (results / group.setup).exists():
            continue
        made = setup(results, group.setup)
        for name in group.files:
            wanted = made.values.get(f"{Path(name).stem}_sha256")
            if wanted and (results / name).exists() and sha256(read_bytes(results / name)) != wanted:
                raise ResultError(
                    f"{results / name} is not the file that {group.setup} describes; write both with: {writer(name)}"
                )


def differences(group: Group, made: Setup, run: Setup) -> list[str]:
    """The machine, space and images of the files, as far as they differ from those of the run."""
    words = []
    if group.machine and not any(made.values.get(key) and run.values.get(key) for key in agreement.NAMES):
        words.append("a machine that is not named")
    elif group.machine and any(_differ(made, run, key) for key in MACHINE):
        words.append(f"the machine {_machine(made)}")
    elif group.machine:
        words += _other_runtime(made, run)
    words += _space(made, run)
    return words + ([f"the images {name}"] if group.images and (name := other_images(made, run)) else [])


def other_images(made: Setup, run: Setup) -> str:
    """The name of the images, if they are not those of the run."""
    if not any(_differ(made, run, key) for key in ("data", "data_file", "data_title")):
        return ""
    return escape(made.values.get("data_title") or made.values.get("data_file") or made.text("data"))


def _space(made: Setup, run: Setup) -> list[str]:
    """The space of the files, or the size of a hand-made network's images, if it differs from the run's."""
    pixels, other = made.values.get("resolution"), _differ(made, run, "resolution")
    if not made.values.get("space"):
        return [f"images of {escape(pixels)} pixels"] if pixels and other else []
    trunks, ours = (one.values.get("trunks", "") for one in (made, run))
    if _differ(made, run, "space"):
        other = True
    elif trunks or ours:  # older files do not say: they are of all trunks
        trunks, ours = trunks or "all", ours or "all"
    if not other and trunks == ours:
        return []
    at = f" at {escape(pixels)} pixels" if pixels else ""
    return [f"the space {escape(made.text('space'))}{at}{under(trunks, made.text('space'))}"]


def under(trunks: str, space: str = "") -> str:
    """The trunks of a space in words: " with 3 of its 12 trunks"; without the 12 for a space whose number of trunks is
    not known, and empty for one that has none."""
    kept, known = trunks.split(), TRUNKS.get(space)
    if not kept:
        return ""
    if kept == ["all"]:
        return f" with all {known} trunks" if known else " with all its trunks"
    return f" with {len(kept)} of its {f'{known} ' if known else ''}trunks"


def _differ(made: Setup, run: Setup, key: str) -> bool:
    """Whether both have a value, and the values differ."""
    ours, theirs = made.values.get(key), run.values.get(key)
    return bool(ours and theirs and ours != theirs)


def _other_runtime(made: Setup, run: Setup) -> list[str]:
    """The runtimes of the files, if both name some, but no common one."""
    theirs, ours = ([key for key in RUNTIMES if one.values.get(key)] for one in (made, run))
    common = not ours or {*theirs} & {*ours}
    return [] if common else [escape(f"{RUNTIMES[key]} {made.values[key]}") for key in theirs]


def _machine(made: Setup) -> str:
    """The machine, with what its latencies depend on."""
    threads = made.values.get("threads")
    facts = [f"{threads} thread{'' if threads == '1' else 's'}"] if threads else []
    facts += [f"{RUNTIMES[key]} {made.values[key]}" for key in RUNTIMES if made.values.get(key)]
    facts += [f"{key.replace('_', ' ')} {made.values[key]}" for key in agreement.STATE if made.values.get(key)]
    return escape(made.machine) + (f" ({escape(', '.join(facts))})" if facts else "")


def macros(results: Path) -> dict[str, str]:
    """For each group a first sentence and words for captions; empty for files of the run itself, and for none."""
    run = setup(results)
    texts: dict[str, str] = {}
    for name, group in GROUPS.items():
        there = (results / group.setup).exists()
        texts |= named(name, differences(group, setup(results, group.setup), run) if there else [])
    return texts


def named(name: str, found: Sequence[str]) -> dict[str, str]:
    """The macros of a group that comes from elsewhere: its first sentence, and words for its captions."""
    where = " and ".join(found)
    return {
        f"{name}Origin": f"This experiment is not on the run's own set-up: it uses {where}. " if where else "",
        f"{name}OriginBriefly": f" Not on the run's own set-up, but on {where}." if where else "",
        f"{name}Elsewhere": f" (not the run's own set-up: {where})" if where else "",
    }


def used(results: Path, name: str) -> bool:
    """Whether an optional group was published and comes from the run."""
    return any((results / file).exists() for file in OPTIONAL[name].files) and not left_out(results, name)


def left_out(results: Path, name: str) -> str:
    """Why an optional group is left out although it was published; empty if it is not."""
    group = OPTIONAL[name]
    if not any((results / file).exists() for file in group.files):
        return ""
    files = ", ".join(file for file in group.files if (results / file).exists())
    if not (results / group.setup).exists():
        return f"{files}: left out of the paper, as no {group.setup} says where they come from; {_renew(group)}"
    made = setup(results, group.setup)
    if other := undescribed(group, made):
        return f"{files}: left out of the paper, as {group.setup} describes only {listed(other)}; {_renew(group)}"
    found = differences(group, made, setup(results))
    if group.network and made.values.get("deployed") not in {row.sha256 for row in read(results, Stage)}:
        found.append("another network")
    return f"{files}: left out of the paper, as they come from {' and '.join(found)}; {_renew(group)}" if found else ""


def undescribed(group: Group, made: Setup) -> list[str]:
    """The files that the setup describes, if those of the group are not among them; older setups describe none."""
    files = dict.fromkeys(file for one in OPTIONAL.values() if one.setup == group.setup for file in one.files)
    known = [file for file in files if made.values.get(f"{Path(file).stem}_sha256")]
    return known if known and not {*group.files} <= {*known} else []


def _renew(group: Group) -> str:
    return f"to renew them, with the settings of the report: {writer(group.files[0])}"


def lines(results: Path) -> Iterator[str]:
    """One line for each optional group that is left out."""
    yield from filter(None, (left_out(results, name) for name in OPTIONAL))
