"""Sentences about runs with other settings, such as longer training: each has its seeds.csv in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean

from paper import origin, verdicts
from paper.chain import BEFORE, chain, stage_of, undone
from paper.compression_rows import Stage
from paper.csv_records import ResultError
from paper.latex import count, escape, listed, ms, percent, significant
from paper.other_results import folders
from paper.rows import FILES, read
from paper.seed_rows import Seeded, by_stage
from paper.seeds import WINNER, spread
from paper.seeds import percent as of_seeds
from paper.setup_file import setup

SETUP = origin.OPTIONAL["Seeds"].setup


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX; an empty text without any such run. Raises ResultError."""
    told = "".join(f"{one} " for one in _sentences(results))
    return {"LongerSentences": rf"\emph{{Other runs.}} {told}" if told else ""}


def _sentences(results: Path) -> Iterator[str]:
    run, ours = setup(results), chain(read(results, Stage), results / FILES[Stage]).winner
    for folder in folders(results, Seeded):
        made, (winner, between, last, unpruned) = setup(folder, SETUP), _chain(folder)
        elsewhere = origin.differences(origin.OPTIONAL["Seeds"], made, run)
        where = f" on {' and '.join(elsewhere)}" if elsewhere else ""
        settings = "" if where and winner[0].steps == ours.steps else " with other settings"
        seeds = f"{count(len(winner))} seed{'' if len(winner) == 1 else 's'}"
        kind = f"in {last[0].precision_name}"
        in_all = f", with {count(last[0].steps)} steps in all," if last[0].steps else ""
        after = f"after {listed(stage_of(name)[1] for name in between)}{in_all or ','} " if between else ""
        what = undone(between, (last[0].steps, winner[0].steps)) if unpruned else ""
        without = f"; {what}, {_reached(unpruned)} {kind}" if what else ""
        noisy = verdicts.of_session(made)
        yield (
            f"In a run{where}{settings} ({escape(folder.name)}; {seeds}), the winner "
            f"{_differing(winner, ours)}. Test accuracy and latency are {_reached(winner)} in fp32; {after}"
            f"{_reached(last)} {kind}{without}.{f' {noisy}' if noisy else ''}"
        )


def _differing(winner: Sequence[Seeded], ours: Stage) -> str:
    """A clause on the size of the winner and on its training, compared with the paper's."""
    macs, steps = fmean(row.macs for row in winner), winner[0].steps or 0
    own, usual = significant(macs / 1e6), significant(ours.macs / 1e6)
    size = f"has {own} million MACs" + (f" instead of {usual}" if own != usual else "")
    length = f"{count(steps)} steps" + (f" instead of {count(ours.steps)}" if ours.steps not in (None, steps) else "")
    more = winner[0].validation_accuracy is None and ours.validation_accuracy is not None
    trained = f", and is trained for {length}" if steps and steps != ours.steps else ""
    return f"{size}{trained}{', on validation images too' if more else ''}"


def _chain(folder: Path) -> tuple[Sequence[Seeded], list[str], Sequence[Seeded], Sequence[Seeded]]:
    """The winner in fp32, the stages before quantization, the quantized file, and the one that was not pruned.

    The last is empty unless it was trained for as many steps. Raises ResultError.
    """
    rows = by_stage(read(folder, Seeded))
    *between, last = [name for name in dict.fromkeys(stage for stage, _ in rows) if name not in BEFORE] or [""]
    quantized = next((own for (stage, kind), own in rows.items() if stage == last and kind != "fp32"), None)
    if quantized is None or WINNER not in rows:
        raise ResultError(f"{folder / FILES[Seeded]}: there are no rows of the winner, or of its quantized file")
    unpruned = rows.get((WINNER[0], quantized[0].precision), [])
    alike = [one.steps for one in unpruned] == [one.steps for one in quantized] and unpruned is not quantized
    return rows[WINNER], between, quantized, unpruned if alike else []


def _reached(rows: Sequence[Seeded]) -> str:
    """Test accuracy and latency; of several seeds, the means and in brackets the smallest and the largest value."""
    (first, *others), latencies = rows, [1e3 * row.latency_median_s for row in rows]
    if not others:
        return f"{percent(first.test_accuracy)} at {ms(first.latency_median_s)}"
    return rf"{of_seeds(rows)} at {spread(latencies)}\,ms"
