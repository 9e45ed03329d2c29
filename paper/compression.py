"""The text about the gains of compression, from ablation.csv: sentences, and the table of all subsets of stages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from paper import accuracy_scale, float_layers
from paper.compression_rows import Stage, Variant
from paper.csv_records import ResultError
from paper.latex import decimals, escape, signed, significant
from paper.rows import FILES, read
from paper.sentences import more_accurate, smaller
from paper.setup_file import setup
from paper.significance import chance, clearly_better

NOTHING, WHOLE = "nothing", "prune, finetune, quantize"
LABELS, TAUGHT = "prune, finetune by labels, quantize", "prune, finetune by a teacher, quantize"
QAT, WHOLE_QAT = "qat, quantize", "prune, finetune, qat, quantize"
KEYS = {  # in the table and in the figure
    NOTHING: "W",
    "prune": "P",
    "finetune": "F",
    "quantize": "Q",
    "prune, finetune": "PF",
    "prune, quantize": "PQ",
    "finetune, quantize": "FQ",
    WHOLE: "PFQ",
    QAT: "TQ",
    WHOLE_QAT: "PFTQ",
    LABELS: "PLQ",
}
WORDS = {  # of a run's stages: all, and those that the file that it is compared with lacks
    WHOLE: ("pruning, finetuning and quantization", "pruning"),
    WHOLE_QAT: ("pruning, finetuning, training for INT8 and quantization", "pruning and training for INT8"),
}
NAMES = {NOTHING: "the winner in fp32, as trained"}
COUNTED, THREE = r"\multicolumn{2}{c}", r"\multicolumn{3}{c}"
HEAD = rf"""\begin{{tabular}}{{@{{}}llrrrrrrrrrr@{{}}}}
\toprule
 & & {COUNTED}{{test accuracy}} & {THREE}{{latency}} & {COUNTED}{{file}} & {COUNTED}{{compressed file}} & training \\
key & stages & \% & points & ms & $\pm$\,\% & speed-up & kB & ratio & kB & ratio & steps \\
\midrule
"""


def variants(results: Path) -> dict[str, Variant]:
    """All subsets of stages by name. Raises ResultError for a missing one.

    Files without a row for the teacher come from code that always finetuned the whole chain with one.
    """
    found = {row.stage: row for row in read(results, Variant)}
    for name in KEYS:
        if name not in found:
            raise ResultError(f"{results / FILES[Variant]}: there is no row with stage={name}")
    return {name: found[name] for name in (*KEYS, *({TAUGHT} & {*found}))}


def whole_of(rows: Mapping[str, Variant], stages: Sequence[Stage]) -> str:
    """The subset of stages that made the run's INT8 file, if it includes pruning; otherwise the usual one."""
    made = {row.sha256 for row in stages if row.stage == "int8"}
    return WHOLE_QAT if rows[WHOLE_QAT].sha256 in made else WHOLE


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX. Raises ResultError."""
    rows, images = variants(results), setup(results).number("test_images")
    chosen = whole_of(rows, read(results, Stage))
    winner, whole, in_float = rows[NOTHING], rows[chosen], bool(setup(results).values.get("float_layers"))
    return {
        "ChainStages": WORDS[chosen][0],
        "ChainKey": KEYS[chosen],
        "AblationDevice": escape(setup(results, "ablation_setup.csv").machine),
        "AblationWhole": gain(whole, winner, images),
        "AblationWholeBriefly": gain(whole, winner, images, compressed=False),
        "AblationQuantize": gain(rows["quantize"], winner, images),
        "AblationPrune": gain(rows["prune"], winner, images),
        "AblationMore": more(rows, chosen, images),
        "AblationFinetune": finetuned(rows, images),
        "DistillationVerdict": more_accurate(rows.get(TAUGHT, rows[WHOLE]), rows[LABELS], images),
        "QatVerdict": trained_for_it(rows, images),
        "QuantizationLoss": lost(rows, images),
        "LearnedKey": learned_from(rows),
        "BelowScale": accuracy_scale.sentence([100 * row.test_accuracy for row in shown(rows).values()]),
        "FloatSentence": float_layers.of_each_file(setup(results)),
        "PrunedPrediction": predicted(whole, in_float),
    }


def shown(rows: Mapping[str, Variant]) -> dict[str, Variant]:
    """Without the file that was finetuned by labels alone, if that is the whole chain's: finetuning has no teacher."""
    same = rows[LABELS].sha256 == rows[WHOLE].sha256
    return {name: row for name, row in rows.items() if not (same and name == LABELS)}


def learned_from(rows: Mapping[str, Variant]) -> str:
    """The rest of the table's key: what some files were finetuned by."""
    kinds = [words for name, words in ((LABELS, "Labels alone"), (TAUGHT, "Distillation")) if name in shown(rows)]
    return f", finetune by {' or '.join(kinds)}" if kinds else ""


def gain(new: Variant, old: Variant, images: float = math.inf, compressed: bool = True) -> str:
    """A clause: "makes the file 6.10 times smaller (...) and 3.20 times as fast, and loses 0.4 points"."""
    losslessly = smaller(old.compressed_bytes / new.compressed_bytes)
    return (
        f"makes the file {smaller(old.file_bytes / new.file_bytes)} "
        f"{f'({losslessly} where both are compressed) ' if compressed else ''}and "
        f"{significant(old.latency_median_s / new.latency_median_s)} times as fast, and {points(new, old, images)}"
    )


def points(new: Variant, old: Variant, images: float = math.inf) -> str:
    """A clause, "loses 0.4 points (not significant)"; `images`: the number of test images."""
    change = 100 * (new.test_accuracy - old.test_accuracy)
    if abs(change) < 0.05:
        return "changes the test accuracy by less than 0.1 points"
    doubt = "" if abs(change) > chance(new, old, images) else " (not significant)"
    return f"{'gains' if change > 0 else 'loses'} {abs(change):.1f} points{doubt}"


def more(rows: Mapping[str, Variant], chosen: str, images: float) -> str:
    """A sentence that compares the run's INT8 file with that of the winner finetuned as long, but not pruned."""
    whole, alone = rows[chosen], rows["finetune, quantize"]
    what = f"Compared with the winner finetuned as long and quantized without {WORDS[chosen][1]}, the compressed file"
    ratio, faster = alone.file_bytes / whole.file_bytes, alone.latency_median_s / whole.latency_median_s
    if ratio <= 1 and faster <= 1:
        return f"{what} is neither smaller nor faster."
    return (
        f"{what} is {smaller(ratio)} and {significant(faster)} times as fast; it {more_accurate(whole, alone, images)}."
    )


def finetuned(rows: Mapping[str, Variant], images: float) -> str:
    """A sentence on whether the winner was fully trained."""
    tuned, winner = rows["finetune"], rows[NOTHING]
    why = ": its training had not converged" if clearly_better(tuned, winner, images) else ""
    return f"Finetuned without pruning, the winner {more_accurate(tuned, winner, images)}{why}."


def trained_for_it(rows: Mapping[str, Variant], images: float) -> str:
    """A sentence on the gains of quantization-aware training, for the winner and after the other stages."""
    return (
        f"The quantized winner {more_accurate(rows[QAT], rows['quantize'], images)} with quantization-aware training, "
        f"and the pruned and finetuned one {more_accurate(rows[WHOLE_QAT], rows[WHOLE], images)}."
    )


def lost(rows: Mapping[str, Variant], images: float) -> str:
    """A sentence on the effect of INT8 rounding on the winner, and on the pruned and finetuned network."""
    pairs, tuned = (("quantize", NOTHING), (WHOLE, "prune, finetune")), "the pruned and finetuned network"
    alone, last = (points(rows[new], rows[old], images) for new, old in pairs)
    if alone == last:
        return f"Quantization {alone}, for the winner and for {tuned}."
    return f"Quantization {alone} for the winner, and {last} for {tuned}."


def predicted(whole: Variant, in_float: bool = False) -> str:
    """A sentence on the error of the prediction; `in_float`: whether the file has layers in float."""
    if whole.predicted_s is None:
        return "The pruned file's latency was not predicted."
    error = 100 * (whole.predicted_s / whole.latency_median_s - 1)
    over = "above" if error > 0 else "below"
    how = ", which treats layers in float as described above," if in_float else ""
    return rf"The prediction for the pruned file{how} is {abs(error):.1f}\,\% {over} its measured latency."


def write(results: Path, build: Path) -> None:
    """ablation.tex in the folder `build`, if there are results for it. Raises ResultError."""
    if not (results / FILES[Variant]).exists():
        return
    rows = shown(variants(results))
    places = decimals(1e3 * median(row.latency_median_s for row in rows.values()))
    lines = "".join(_row(row, rows[NOTHING], places) for row in rows.values())
    (build / "ablation.tex").write_text(f"{HEAD}{lines}\\bottomrule\n\\end{{tabular}}\n", encoding="utf-8")


def key(stage: str) -> str:
    """The name of a subset of stages in the table and the figure."""
    return "PDQ" if stage == TAUGHT else KEYS[stage]


def _row(row: Variant, winner: Variant, places: int) -> str:
    cells = [
        key(row.stage),
        escape(NAMES.get(row.stage, row.stage)),
        f"{100 * row.test_accuracy:.1f}",
        signed(100 * (row.test_accuracy - winner.test_accuracy)),
        f"{1e3 * row.latency_median_s:.{places}f}",
        row.spread,
        f"{winner.latency_median_s / row.latency_median_s:.2f}",
        significant(row.file_bytes / 1e3),
        f"{winner.file_bytes / row.file_bytes:.2f}",
        significant(row.compressed_bytes / 1e3),
        f"{winner.compressed_bytes / row.compressed_bytes:.2f}",
        row.trained,
    ]
    return " & ".join(cells) + " \\\\\n"
