"""Every number and every comparative sentence of the text, as LaTeX macros in numbers.tex."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from paper import (
    benchmarks,
    claims,
    comparison,
    compression,
    data_sets,
    finalists,
    float_layers,
    hand_made,
    latency_table,
    longer_runs,
    operators,
    origin,
    prediction,
    protocols,
    provenance,
    pruning,
    questions,
    ranking,
    recipes,
    run_sentences,
    seeds,
    sentences,
    sessions,
    significance,
    space,
    title,
    training,
    transfer,
    verdicts,
)
from paper.chain import Chain, chain
from paper.compression_rows import Stage
from paper.latex import PREAMBLE, count, escape, kb, ms, percent, significant
from paper.rows import Candidate, read
from paper.setup_file import RUNTIMES, Setup, setup

NAMES = {"reference": "Reference", "random": "Random", "inherited": "Inherited", "retrained": "Winner"}
COUNTED = {"SpaceSize": "space_size", "Layers": "layers", "TestImages": "test_images"}
COUNTED |= {"TableRounds": "table_rounds", "TableGraphs": "table_graphs"}
# Each has the macros of its files, or empty ones
MODULES = (
    benchmarks,
    comparison,
    latency_table,
    ranking,
    recipes,
    operators,
    origin,
    sessions,
    significance,
    space,
    title,
    training,
    transfer,
    seeds,
    longer_runs,
    questions,
    provenance,
)
GIVEN: dict[str, Callable[[Path], dict[str, str]]] = {  # part -> its macros, if its files are there
    "Fidelity": prediction.macros,
    "Protocols": protocols.macros,
    "Ablation": compression.macros,
    "HandMade": hand_made.macros,
    "Rules": pruning.macros,
}


def numbers(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX, from the CSV files. Raises ResultError."""
    run, rows = setup(results), read(results, Stage)
    found = chain(rows, results / "stages.csv")
    texts = _stages(found) | _comparisons(found, rows, run) | _search(read(results, Candidate), run)
    for part, macros in GIVEN.items():
        if questions.given(results, part):
            texts |= macros(results)
    for module in MODULES:
        texts |= module.macros(results)
    return texts | claims.macros(results, texts)


def write(results: Path, build: Path) -> None:
    """Writes numbers.tex in the folder `build`."""
    lines = [f"\\newcommand{{\\{name}}}{{{value}}}\n" for name, value in numbers(results).items()]
    (build / "numbers.tex").write_text("".join([PREAMBLE, title.STAMPED, *lines]), encoding="utf-8")


def _stages(found: Chain) -> dict[str, str]:
    named = {NAMES[row.stage]: row for row in found.rows if row.stage in NAMES} | {"IntEight": found.last}
    macros = {"Quantized": escape(found.last.precision_name)}
    for name, row in named.items():
        macros[f"{name}TestAccuracy"] = percent(row.test_accuracy)
        macros[f"{name}Latency"] = ms(row.latency_median_s)
        macros[f"{name}Size"] = kb(row.file_bytes)
    return macros


def _comparisons(found: Chain, rows: Sequence[Stage], run: Setup) -> dict[str, str]:
    reference, winner, last = found.reference, found.winner, found.last
    images = run.number("test_images")
    quantized = {row.stage: row for row in rows if row.precision == last.precision}
    deployed = {row.stage: row for row in rows if row.precision == run.text("precision")}
    return {
        "Speedup": significant(reference.latency_median_s / last.latency_median_s),
        "Shrink": sentences.smaller(reference.file_bytes / last.file_bytes),
        "NasVersusHandMade": sentences.versus(winner, reference, images),
        **run_sentences.deployed(found, quantized, images),
        "QuantizedWinner": sentences.quantized_winner(
            quantized.get("retrained"),
            {"the reference": quantized.get("reference"), "the random architecture": quantized.get("random")},
            images,
        ),
        "QuantizedReference": sentences.quantized_reference(last, quantized.get("reference"), images),
        "NasVersusRandom": sentences.versus(winner, found.random, images),
        "CompressedSentence": run_sentences.compressed(found, quantized.get("retrained"), images),
        "IntEightVerdict": sentences.shrinks(last, found.unquantized, images),
        "TargetSentence": run_sentences.targets(deployed.get("retrained", last), run),
        "StagePredictionError": sentences.predictions(rows),
        "ConversionSentence": float_layers.conversions(run),
        "InTable": float_layers.in_table(run),
        "DataSentence": data_sets.data(run),
        "MachineSentence": sentences.machine(run),
        "TableVerdict": verdicts.of_table(run),
        "BoardSentence": sentences.board(run),
        "BriefSentence": sentences.brief(last),
        "QuantizedLayers": float_layers.quantized(run),
        "DeployedSentence": sentences.deployed(run),
        "FinetuneTargets": sentences.targets(run),
        "Teacher": sentences.teacher(run),
        "HandMadeStages": run_sentences.compared(found),
        "HandMadeStems": run_sentences.stems(run),
        "QuantizeSentence": run_sentences.quantization(last, run),
    }


def _search(candidates: Sequence[Candidate], run: Setup) -> dict[str, str]:
    feasible = [candidate for candidate in candidates if candidate.feasible]
    words = ("space", "strategy", "objective", "device", "seed")
    return {
        "Candidates": _counted(len({one.arch for one in candidates}), len({one.arch for one in feasible})),
        "Rejected": finalists.rejected(candidates),
        "TimedSentence": finalists.timed_sentence(candidates),
        "FinalistsSentence": finalists.sentence(candidates, run),
        "FinalistsRanking": finalists.ranking(candidates, run),
        **{name: count(run.number(key)) for name, key in COUNTED.items()},
        "DeployedPrecision": {"int8": "INT8"}.get(run.text("precision"), escape(run.text("precision"))),
        "Runtime": RUNTIMES[run.runtime],
        "Data": data_sets.source(run),
        "DataCited": data_sets.cited(run),
        **{word.capitalize(): escape(run.text(word)) for word in words},
    }


def _counted(candidates: int, feasible: int) -> str:
    """Words on the number of candidates, and of those within the bounds."""
    if candidates == feasible:
        return f"{count(candidates)} architectures, all within the bounds"
    return f"{count(candidates)} architectures, {count(feasible)} of them within the bounds"
