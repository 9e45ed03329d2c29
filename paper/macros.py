"""Every number and every comparative sentence of the text, as LaTeX macros in numbers.tex."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from paper import (
    comparison,
    compression,
    data_sets,
    hand_made,
    origin,
    prediction,
    pruning,
    ranking,
    recipes,
    seeds,
    sentences,
    sessions,
    space,
    title,
    training,
    transfer,
    verdicts,
)
from paper.compression_rows import Stage
from paper.csv_records import ResultError
from paper.latex import PREAMBLE, count, escape, kb, ms, percent, significant
from paper.rows import Block, Candidate, Whole, read
from paper.setup_file import RUNTIMES, Setup, setup

NAMES = {
    "reference": "Reference",
    "random": "Random",
    "inherited": "Inherited",
    "retrained": "Winner",
    "pruned": "Pruned",
    "finetuned": "Finetuned",
    "int8": "IntEight",
}
PRECISIONS = {"fp32": "Float", "int8": "IntEight"}


def chain(rows: Sequence[Stage], path: Path) -> dict[str, Stage]:
    """The seven stages by name: the first six in fp32, the last in INT8. Raises ResultError for a missing one."""
    found = {(row.stage, row.precision): row for row in rows}
    stages = {}
    for name in NAMES:
        precision = "int8" if name == "int8" else "fp32"
        if (name, precision) not in found:
            raise ResultError(
                f"{path}: there is no row with stage={name}, precision={precision}; the paper is about a pipeline with "
                "compress.stages=[prune,finetune,quantize] or [prune,finetune,qat,quantize]"
            )
        stages[name] = found[name, precision]
    return stages


def numbers(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX, from the CSV files. Raises ResultError."""
    run, rows = setup(results), read(results, Stage)
    stages = chain(rows, results / "stages.csv")
    return (
        _stages(stages)
        | _comparisons(stages, rows, run)
        | _predictions(read(results, Whole), results / "networks.csv")
        | _blocks(read(results, Block), results / "table.csv")
        | _search(read(results, Candidate), run)
        | prediction.numbers(results)
        | compression.macros(results)
        | hand_made.macros(results)
        | pruning.macros(results)
        | comparison.macros(results)
        | ranking.macros(results)
        | recipes.macros(results)
        | origin.macros(results)
        | sessions.macros(results)
        | space.macros(results)
        | title.macros(results)
        | training.macros(results)
        | transfer.macros(results)
        | seeds.macros(results)
    )


def write(results: Path, build: Path) -> None:
    """Writes numbers.tex in the folder `build`."""
    lines = [f"\\newcommand{{\\{name}}}{{{value}}}\n" for name, value in numbers(results).items()]
    (build / "numbers.tex").write_text("".join([PREAMBLE, title.STAMPED, *lines]), encoding="utf-8")


def _stages(stages: dict[str, Stage]) -> dict[str, str]:
    macros = {}
    for stage, row in stages.items():
        macros[f"{NAMES[stage]}TestAccuracy"] = percent(row.test_accuracy)
        macros[f"{NAMES[stage]}Latency"] = ms(row.latency_median_s)
        macros[f"{NAMES[stage]}Size"] = kb(row.file_bytes)
    return macros


def _comparisons(stages: dict[str, Stage], rows: Sequence[Stage], run: Setup) -> dict[str, str]:
    reference, winner, tuned, last = (stages[name] for name in ("reference", "retrained", "finetuned", "int8"))
    images = run.number("test_images")
    quantized = {row.stage: row for row in rows if row.precision == "int8"}
    deployed = {row.stage: row for row in rows if row.precision == run.text("precision")}
    predicted = [abs(row.predicted_s / row.latency_median_s - 1) for row in rows if row.predicted_s]
    return {
        "Speedup": significant(reference.latency_median_s / last.latency_median_s),
        "Shrink": significant(reference.file_bytes / last.file_bytes),
        "IntEightSpeedup": significant(tuned.latency_median_s / last.latency_median_s),
        "IntEightShrink": significant(tuned.file_bytes / last.file_bytes),
        "NasVersusHandMade": sentences.versus(winner, reference, images),
        **_deployed(winner, reference, quantized, images),
        "BothQuantized": sentences.both_quantized(quantized.get("retrained"), quantized.get("reference"), images),
        "NasVersusRandom": sentences.versus(winner, stages["random"], images),
        "PruningVerdict": sentences.versus(tuned, winner, images),
        "IntEightVerdict": sentences.shrinks(last, tuned),
        "TargetSentence": sentences.target(deployed.get("retrained", last), run),
        "StagePredictionError": percent(max(predicted)) if predicted else "unknown",
        "DataSentence": data_sets.data(run),
        "MachineSentence": sentences.machine(run),
        "TableVerdict": verdicts.of_table(run),
        "BoardSentence": sentences.board(run),
        "BriefSentence": sentences.brief(last),
        "QuantizedLayers": sentences.quantized(run),
        "DeployedSentence": sentences.deployed(run),
        "FinetuneTargets": sentences.targets(run),
    }


def _deployed(winner: Stage, reference: Stage, quantized: dict[str, Stage], images: float) -> dict[str, str]:
    """Compares the winner with the reference, in INT8 if both were quantized, else in fp32."""
    pair, precision = (winner, reference), "fp32"
    if {"retrained", "reference"} <= quantized.keys():
        pair, precision = (quantized["retrained"], quantized["reference"]), "INT8"
    return {"NasDeployed": sentences.versus(*pair, images), "NasPrecision": precision}


def _predictions(networks: Sequence[Whole], path: Path) -> dict[str, str]:
    macros = {"NetworkCount": count(len(networks)), "CorrectionVerdict": sentences.correction(networks)}
    for precision, name in PRECISIONS.items():
        own = _of(precision, networks, path)
        corrected = sentences.error(own, "predicted_s")
        macros[f"PredictionError{name}"] = percent(corrected.mean())
        macros[f"PredictionWorst{name}"] = percent(corrected.max())
        macros[f"PredictionWithinFive{name}"] = f"{(corrected <= 0.05).sum()} of {len(own)}"
        macros[f"NaiveError{name}"] = percent(sentences.error(own, "naive_s").mean())
    return macros


def _blocks(blocks: Sequence[Block], path: Path) -> dict[str, str]:
    """The speed-up of INT8 for each block."""
    fp32, int8 = ({b.spec: b.seconds for b in _of(p, blocks, path) if b.seconds > 0} for p in PRECISIONS)
    ratios = np.array([fp32[spec] / int8[spec] for spec in fp32.keys() & int8.keys()])
    return {
        "BlockCount": count(len(fp32)),
        "BlockSpeedupLeast": significant(ratios.min()),
        "BlockSpeedupMedian": significant(float(np.median(ratios))),
        "BlockSpeedupMost": significant(ratios.max()),
    }


def _search(candidates: Sequence[Candidate], run: Setup) -> dict[str, str]:
    feasible = [candidate for candidate in candidates if candidate.feasible]
    words = ("space", "strategy", "objective", "device", "seed")
    return {
        "CandidateCount": count(len({candidate.arch for candidate in candidates})),
        "FeasibleCount": count(len({candidate.arch for candidate in feasible})),
        "SpaceSize": count(run.number("space_size")),
        "Layers": count(run.number("layers")),
        "TestImages": count(run.number("test_images")),
        "TableRounds": count(run.number("table_rounds")),
        "TableGraphs": count(run.number("table_graphs")),
        "DeployedPrecision": {"int8": "INT8"}.get(run.text("precision"), escape(run.text("precision"))),
        "Runtime": RUNTIMES[run.runtime],
        "Data": data_sets.source(run),
        "DataCited": data_sets.cited(run),
        **{word.capitalize(): escape(run.text(word)) for word in words},
    }


def _of(precision: str, rows: Sequence, path: Path) -> list:
    own = [row for row in rows if row.precision == precision]
    if not own:
        raise ResultError(f"{path}: there is no row with precision={precision}")
    return own
