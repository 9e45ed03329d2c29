"""python -m experiments.bench.edge [part=NAME,...] [runs=FOLDER] [KEY=FOLDER,...]: what the device decides in `edge`.

Three parts measure here, on one thread: `table`, `experiments.fidelity space=edge` with 24 whole networks in the table
(about 20 minutes; fidelity=FOLDER reads a finished one), and two that time networks in both runtimes and precisions:
`winners`, those of finished runs, and `references`, hand-made ones, a ViT and a hybrid among them (their accuracies:
paper/results/hand_made.csv). The others only read results of finished runs:

    edge=FOLDER,... mobile=FOLDER,...   experiments.seeds, with any number of seeds
    hand_made=FOLDER,...                experiments.hand_made, one for each seed
    comparison=FOLDER                   experiments.compare, with at least 6 seeds
    transfer=FOLDER                     experiments.transfer

What is not given is looked for in runs=FOLDER, where the newest counts. A part without results is named, and its claims
are left out. Writes experiments/bench/edge_results/{fidelity,winners,references}.csv. The committed winners.csv has
five winners of `edge`, of cifar10_laptop with three seeds and of seed 0 with objective.target_ms=0.105 and 0.078, and
one of `mobile`, of cifar10_laptop with space=mobile space.trunks=[] objective.target_ms=0.162, all with
seeds.baselines=false.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean

from experiments.bench import against_hand_made
from experiments.bench._compression import at_least, at_most
from experiments.bench._edge_references import references
from experiments.bench._edge_results import MissingError, folders
from experiments.bench._edge_winners import OURS, PIXELS, Claims, chain, winners
from experiments.bench._published import parse, run
from experiments.comparison.learning_curves import read_points
from experiments.comparison.significance import LEVEL
from experiments.display.progress import say
from experiments.store import artefacts
from paper.comparison import BASELINE
from paper.compression_rows import HandMade
from paper.rows import Judged, Pair, read
from paper.transfer_rows import MACS, PARAMETERS, Transferred
from search_spaces.errors import unknown

RUNS = "experiments/runs/bench/edge"
FIDELITY = Path("experiments/bench/edge_results/fidelity.csv")
COMMAND = ("experiments.fidelity", f"space={OURS}", "data=cifar10", f"data.size={PIXELS}", "device=local")
NETWORKS = "measure.networks=24"
LARGE = 0.15  # fraction of latency lost in a transfer
KEYS = ("fidelity", "edge", "mobile", "hand_made", "comparison", "transfer")
DEFAULTS = {"part": "", "runs": "", **dict.fromkeys(KEYS, "")}


def main(arguments: Sequence[str]) -> None:
    settings = parse(arguments, DEFAULTS)
    chosen = settings["part"].split(",") if settings["part"] else list(PARTS)
    for name in chosen:
        if name not in PARTS:
            raise unknown("part", name, PARTS)
    settings["dotted"] = " ".join(word for word in arguments if "." in word.partition("=")[0])
    claims: Claims = []
    for name in chosen:
        try:
            claims += PARTS[name](settings)
        except MissingError as error:
            say(f"{name}: {error}")
    print(json.dumps(claims))


def table(settings: Mapping[str, str]) -> Claims:
    """MACs and the corrected table as predictors of networks that neither has seen."""
    if settings["fidelity"]:
        folder = folders(settings, "fidelity", "fidelity", OURS, "fidelity.csv")[0]
    else:
        asked = [NETWORKS, f"runs={settings['runs'] or RUNS}", *settings["dotted"].split()]
        done = subprocess.run([sys.executable, "-m", *COMMAND, *asked], check=True, stdout=subprocess.PIPE, text=True)
        *shown, last = done.stdout.strip().splitlines()
        print("\n".join(shown), file=sys.stderr)
        folder = Path(last)
    points = read_points(folder / "fidelity.csv")
    artefacts.write_csv(FIDELITY, [asdict(one) for one in points])
    return [claim for precision in ("fp32", "int8") for claim in predicted(points, precision)]


def predicted(points: Sequence[Judged], precision: str) -> Claims:
    rows = {one.predictor: one for one in points if one.data == precision}
    ours, macs, title = rows["corrected table"], rows["MACs"], f"{OURS}, {precision}"
    return [
        at_least(f"{title}: mean error of MACs / of the table ({100 * ours.mape:.2f} %)", macs.mape / ours.mape, 4),
        at_least(f"{title}: tau of the table ({ours.tau:.3f}) less that of MACs", ours.tau - macs.tau, 0.15),
        at_least(f"{title}: share of {ours.held_out} networks that the table has within 5 %", ours.within_5, 0.95),
    ]


def hand_made(settings: Mapping[str, str]) -> Claims:
    """The winner's files against the hand-made networks; means over the given folders."""
    found = [read(one, HandMade) for one in folders(settings, "hand_made", "hand_made", OURS, "hand_made.csv")]
    runs = [{row.stage: row for row in rows} for rows in found]
    names = [name for name in runs[0] if all(name in own for own in runs)]
    accuracies = {name: fmean(own[name].test_accuracy for own in runs) for name in names}
    seconds = {name: fmean(own[name].latency_median_s for own in runs) for name in names}
    return against_hand_made.claims(accuracies, seconds)


def search(settings: Mapping[str, str]) -> Claims:
    """Evolution and the surrogate against random search, by regret after all evaluations; p after Holm's correction."""
    rows = read(folders(settings, "comparison", "compare", OURS, "pairs.csv")[0], Pair)
    claims: Claims = []
    for row in rows:
        name = {row.a: row.b, row.b: row.a}.get(BASELINE)
        if (row.against, row.measure) != ("evaluations", "regret") or name not in ("evolution", "surrogate"):
            continue
        ours, other = (row.mean_a, row.mean_b) if row.a == name else (row.mean_b, row.mean_a)
        what = f"{name} against {BASELINE}, {row.at:.0f} evaluations, {row.seeds} seeds: p, with a regret of "
        what += f"{100 * ours:.2f} against {100 * other:.2f} points, at most"
        claims.append(at_most(what, row.p, LEVEL) | {"holds": row.significant and ours < other})
    return claims


def transfer(settings: Mapping[str, str]) -> Claims:
    """What a target loses by deploying another target's winner, or the network of fewest MACs or parameters."""
    rows = read(folders(settings, "transfer", "transfer", OURS, "transfer.csv")[0], Transferred)
    others = [row for row in rows if row.chosen_for not in (row.target, MACS, PARAMETERS)]
    large = sum(row.loss_low > LARGE for row in others)
    claims = [at_least(f"pairs of {len(others)} targets that lose more than {100 * LARGE:.0f} %, certainly", large, 1)]
    for title, own in (
        ("another target's winner", others),
        *((name, [row for row in rows if row.chosen_for == name]) for name in (MACS, PARAMETERS)),
    ):
        if own:
            worst = max(own, key=lambda row: row.loss)
            detail = f"{worst.chosen_for} on {worst.target}, {worst.loss_low:.0%} to {worst.loss_high:.0%}"
            claims.append({"what": f"largest loss by {title} ({detail})", "value": worst.loss})
    return claims


PARTS: dict[str, Callable[[Mapping[str, str]], Claims]] = {
    "table": table,
    "winners": winners,
    "references": references,
    "chain": chain,
    "hand_made": hand_made,
    "search": search,
    "transfer": transfer,
}


if __name__ == "__main__":
    run(main)
