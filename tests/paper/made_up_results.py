"""Made-up results with the columns of a real run, and what LaTeX reads of them."""

from __future__ import annotations

import csv
from pathlib import Path
from random import Random

import pytest

from paper import build, checksums
from paper.figures import style
from search_spaces.documents import sha256

SETUP = {
    "space": "tiny", "space_size": "2000", "layers": "7", "data": "digits", "train_images": "1150",
    "validation_images": "287", "test_images": "360", "resolution": "16", "classes": "10", "strategy": "evolution",
    "seed": "0", "evaluations": "100", "objective": "bounded", "target_ms": "0.1", "target_fraction": "0.6",
    "precision": "int8", "device": "local", "cpu": "Synthetic(R) CPU & Co_1 ™ @ 50%", "machine": "x86_64",
    "threads": "1", "onnxruntime": "1.31.1", "torch": "2.15.0", "python": "3.11.2", "table_rounds": "12",
    "table_graphs": "84", "table_sha256": "0123456789abcdef" * 4, "supernet_steps": "400", "retrain_steps": "400",
    "finetune_steps": "200", "supernet_total_seconds": "38.1", "search_total_seconds": "21.7",
    "measure_total_seconds": "64.2", "git_commit": "fedcba9876543210fedcba9876543210fedcba98", "machine_speed": "0.97",
}  # fmt: skip
STAGES = [
    ("reference", "fp32", 0.990, 0.9806, 310e-6, 330e-6, 305e-6, 163_000, 2.41e6, 39_800),
    ("random", "fp32", 0.986, 0.9750, 205e-6, 219e-6, 209e-6, 118_000, 1.32e6, 28_400),
    ("inherited", "fp32", 0.972, 0.9611, 171e-6, 183e-6, 174e-6, 121_000, 1.11e6, 29_100),
    ("retrained", "fp32", 0.990, 0.9833, 171e-6, 180e-6, 174e-6, 121_000, 1.11e6, 29_100),
    ("pruned", "fp32", 0.941, 0.9278, 142e-6, 149e-6, None, 98_000, 0.87e6, 23_300),
    ("finetuned", "fp32", 0.986, 0.9806, 142e-6, 150e-6, None, 98_000, 0.87e6, 23_300),
    ("int8", "int8", 0.986, 0.9806, 93e-6, 99e-6, None, 30_500, 0.87e6, 23_300),
    ("reference", "int8", 0.990, 0.9806, 190e-6, 200e-6, 186e-6, 49_000, 2.41e6, 39_800),
    ("retrained", "int8", 0.986, 0.9833, 108e-6, 113e-6, 107e-6, 36_500, 1.11e6, 29_100),
]
FRESH = {
    "space": "mobile", "resolution": "32", "fitted_networks": "24", "fresh_networks": "60", "device": "board",
    "cpu": "Synthetic(R) CPU", "machine": "x86_64", "threads": "1", "onnxruntime": "1.31.1", "seed": "0",
    "git_commit": "fedcba9876543210",
}  # fmt: skip
OF_FRESH = ("fresh.csv", "fidelity.csv", "fidelity_setup.csv")
OF_PROTOCOLS = ("protocols.csv", "protocols_setup.csv")
OF_COMPRESSION = tuple(
    f"{name}{end}.csv" for name in ("ablation", "hand_made", "pruning_rules") for end in ("", "_setup")
)
OF_REPORT = ("setup.csv", "stages.csv", "candidates.csv", "networks.csv", "table.csv", "architecture.csv")
FILES = (*OF_REPORT, *OF_FRESH, *OF_PROTOCOLS)
BENCHMARKED = (
    "stage,precision,validation_accuracy,test_accuracy,latency_median_s,latency_p90_s,predicted_s,file_bytes,macs,"
    "parameters,sha256,compressed_bytes,parent"
)
ABLATION = {  # test accuracy
    "nothing": 0.8871, "prune": 0.6123, "finetune": 0.8902, "quantize": 0.8855, "prune, finetune": 0.8843,
    "prune, quantize": 0.6044, "finetune, quantize": 0.8893, "prune, finetune, quantize": 0.8829,
    "qat, quantize": 0.8889, "prune, finetune, qat, quantize": 0.8841, "prune, finetune by labels, quantize": 0.8835,
}  # fmt: skip
BESIDE = {  # test accuracy, latency
    "winner": (0.8829, 69e-6), "winner, unpruned": (0.8893, 111e-6), "mobilenet_v2": (0.9012, 681e-6),
    "mobilenet_v3_small": (0.8701, 520e-6), "shufflenet_v2": (0.8822, 600e-6), "resnet8": (0.8611, 130e-6),
}  # fmt: skip
RULES = {"device": 0.8829, "uniform 0.6": 0.8791, "global 0.55": 0.8802, "depgraph 0.7": 0.8644}


def write(path: Path, header: str, rows: list[tuple]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header.split(","), *rows])


def synthetic(folder: Path) -> Path:
    """Writes made-up results with the columns of a real run."""
    rng = Random(0)
    folder.mkdir()
    write(folder / "setup.csv", "key,value", list(SETUP.items()))
    stages = [(*row, f"{index:064x}") for index, row in enumerate(STAGES)]
    write(folder / "stages.csv", BENCHMARKED.partition(",compressed")[0], stages)
    kinds = [f"MBConv(16->24, hidden {16 * e}, k{k}, s1, 8px)" for k in (3, 5) for e in (3, 6)]
    layers = [["Stem(1)"], *([*kinds, "Skip(24)"] for _ in range(5)), ["Head(10)"]]
    blocks = [
        (layer, option, spec, precision)
        for precision in ("fp32", "int8")
        for layer, options in enumerate(layers)
        for option, spec in enumerate(options)
    ]
    cost = {precision: 1 if precision == "fp32" else 0.6 for precision in ("fp32", "int8")}
    seconds = [0 if b[2] == "Skip(24)" else cost[b[3]] * (1 + b[1]) * rng.uniform(10e-6, 14e-6) for b in blocks]
    timed = [(*block, s, 0.98 * s, 1.02 * s) for block, s in zip(blocks, seconds)]
    write(folder / "table.csv", "layer,option,spec,precision,seconds,low_s,high_s", timed)
    searched(folder, rng)
    networks = []
    for index in range(24):
        measured, precision = rng.uniform(150e-6, 320e-6), ("fp32", "int8")[index % 2]
        measured /= 1.6 if precision == "int8" else 1
        naive, predicted = 1.1 * measured * rng.uniform(0.97, 1.03), measured * rng.uniform(0.975, 1.025)
        networks.append(("0-1-2-3-4-1-0", precision, naive, predicted, measured))
    write(folder / "networks.csv", "arch,precision,naive_s,predicted_s,measured_s", networks)
    layers = [("Stem", 0, 16, 16, 3), *(("MBConv", i, 16, 48, 5) for i in range(1, 6)), ("Head", 6, 16, 64, 1)]
    drawn = [(i, kind, wide, most, wide, kernel, 1, 16, "int8", 1e-5) for kind, i, wide, most, kernel in layers]
    header = "layer,kind,in_channels,hidden_channels,out_channels,kernel,stride,resolution,precision,seconds"
    write(folder / "architecture.csv", header, drawn)
    predictions(folder)
    compressed(folder, {row[0]: row[-1] for row in reversed(stages)})
    listed(folder)
    return folder


def searched(folder: Path, rng: Random) -> None:
    """Writes the candidates of a search."""
    candidates = []
    for index in range(100):
        latency = rng.uniform(70e-6, 150e-6)
        accuracy = min(0.985, 0.9 + 800 * (latency - 70e-6) * rng.uniform(0.8, 1.2))
        arch = f"0-{index % 5}-{index // 5 % 5}-{index // 25}-0-0-0"
        feasible = latency <= 100e-6
        score = accuracy if feasible else 1 - latency / 100e-6
        candidates.append((index, "evolution", 0, arch, accuracy, latency, score, feasible, 1e6, 2e4))
    header = "index,strategy,seed,arch,accuracy,latency_s,score,feasible,macs,parameters"
    write(folder / "candidates.csv", header, candidates)


def compressed(folder: Path, hashes: dict[str, str]) -> None:
    """Writes subsets of stages, hand-made networks and pruning rules; `hashes` of the files of stages.csv."""
    machine = [(key, SETUP[key]) for key in ("cpu", "machine", "threads", "onnxruntime")]
    for name in OF_COMPRESSION[1::2]:
        write(folder / name, "key,value", machine)
    ablation = []
    for index, (name, accuracy) in enumerate(ABLATION.items()):
        pruned, quantized = "prune" in name, "quantize" in name
        seconds = 230e-6 * (0.6 if pruned else 1) * (0.5 if quantized else 1)
        size = 900_000 * (0.5 if pruned else 1) * (0.3 if quantized else 1)
        precision, sha256 = ("fp32", "int8")[quantized], f"{index + 100:064x}"
        sha256 = {"nothing": hashes["retrained"], "prune, finetune, quantize": hashes["int8"]}.get(name, sha256)
        common = (name, precision, accuracy, accuracy, seconds, seconds, 1.02 * seconds, size)
        ablation.append((*common, 1e6, 2e4, sha256, 0.9 * size, f"{index + 200:064x}"))
    write(folder / "ablation.csv", BENCHMARKED, ablation)
    made = {row[0]: row[-3] for row in ablation}
    same = {"winner": hashes["int8"], "winner, unpruned": made["finetune, quantize"]}
    pruned = {"device": next(row[-1] for row in ablation if row[0] == "prune, finetune, quantize")}

    def rows(found: dict[str, tuple[float, float]]) -> list[tuple]:
        ends = {n: (same.get(n, "0"), 2e5, pruned.get(n, "0")) for n in found}
        return [(n, "int8", a, a, s, s, "", 3e5, 1e6, 2e4, *ends[n]) for n, (a, s) in found.items()]

    write(folder / "hand_made.csv", BENCHMARKED, rows(BESIDE))
    write(folder / "pruning_rules.csv", BENCHMARKED, rows({name: (a, 70e-6) for name, a in RULES.items()}))


def predictions(folder: Path, forest: float = 0.1, alone: float = 0.06) -> None:
    """Writes three fresh networks by each predictor and protocol; `forest` and `alone` are errors in INT8."""
    for name in (OF_FRESH[2], OF_PROTOCOLS[1]):
        write(folder / name, "key,value", list(FRESH.items()))
    found = {"re-test": 0.02, "sum of blocks alone": 0.4, "corrected table": 0.01, "forest": 0.1}
    cases = [("fp32", *item) for item in found.items()] + [
        ("int8", name, forest if name == "forest" else error) for name, error in found.items()
    ]
    fresh = [(*case[:2], n * (1 + case[2]) * 1e-3, n * 1e-3) for case in cases for n in (1, 2, 3)]
    write(folder / "fresh.csv", "precision,predictor,predicted_s,measured_s", fresh)
    judged = [(precision, name, 24, error, float(error <= 0.05), 0.9) for precision, name, error in cases]
    write(folder / "fidelity.csv", "data,predictor,trained_on,mape,within_5,tau", judged)
    ways = [(p, "in context", 0.01) for p in ("fp32", "int8")] + [("fp32", "alone", 0.06), ("int8", "alone", alone)]
    sums = [
        (*way, n * 1.3e-3, n * 1.05e-3, n * (1 + error) * 1e-3, n * 1e-3) for *way, error in ways for n in (1, 2, 3)
    ]
    write(folder / "protocols.csv", "precision,protocol,naive_s,affine_s,predicted_s,measured_s", sums)


def listed(results: Path) -> None:
    """Updates the list of hashes, as if all files had just been published."""
    hashes = {path.name: sha256(path.read_bytes()) for path in results.glob("*.csv")}
    (results / checksums.LIST).write_text(checksums.dump(hashes))


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    listed(path.parent)


def whole_fonts(patch: pytest.MonkeyPatch) -> None:
    """Fonts are not cut down to the letters in use, which takes longer than drawing a figure."""
    patch.setitem(style.RC, "pdf.fonttype", 3)
    patch.setitem(style.RC, "pdf.compression", 0)


def draw(folder: Path) -> Path:
    """Writes made-up results, and LaTeX's inputs from them, with whole fonts; returns the folder of the latter."""
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        whole_fonts(patch)
        build.sources(synthetic(folder / "results"), folder / "build")
    return folder / "build"
