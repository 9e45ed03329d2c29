"""The paper's two tables, as LaTeX: setup.tex and stages.tex."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from paper import origin
from paper.chain import chain
from paper.compression_rows import Stage, row_name
from paper.data_sets import source
from paper.duration_rows import Part
from paper.latex import count, decimals, escape, significant
from paper.rows import FILES, read
from paper.setup_file import RUNTIMES, Setup, setup

SPENT = {"table": "measure", "supernet": "supernet", "search": "search"}  # in the set-up -> in its keys
HEAD = r"""\begin{tabular}{@{}lrrrrrrrrrr@{}}
\toprule
 & validation & test & median & $\pm$ & p90 & predicted & file & & parameters & training \\
 & (\%) & (\%) & (ms) & (\%) & (ms) & (ms) & (kB) & MMACs & (thousand) & steps \\
\midrule
"""


def write(results: Path, build: Path) -> None:
    """setup.tex and stages.tex in the folder `build`. Raises ResultError."""
    stages = read(results, Stage)
    chained = chain(stages, results / "stages.csv").rows
    others = [s for s in stages if s not in chained and s.sha256 != chained[-1].sha256]
    (build / "stages.tex").write_text(_stages(chained, others), encoding="utf-8")
    run, parts = setup(results), read(results, Part) if (results / FILES[Part]).exists() else []
    own = [part for part in parts if part.table_sha256 in ("", run.text("table_sha256"))]
    (build / "setup.tex").write_text(_setup(run, own), encoding="utf-8")


def _stages(chained: Sequence[Stage], quantized: Sequence[Stage]) -> str:
    """The chain and, below a rule, the other networks in INT8, if they were measured."""
    places = decimals(1e3 * median(s.latency_median_s for s in chained))
    text = HEAD + "".join(_row(row_name(s.stage), s, places) for s in chained)
    if quantized:
        names = [row_name(s.stage, s.precision_name) for s in quantized]
        text += "\\midrule\n" + "".join(_row(name, s, places) for name, s in zip(names, quantized))
    return text + "\\bottomrule\n\\end{tabular}\n"


def _row(name: str, stage: Stage, places: int) -> str:
    cells = [
        name,
        "--" if stage.validation_accuracy is None else f"{100 * stage.validation_accuracy:.1f}",
        f"{100 * stage.test_accuracy:.1f}",
        f"{1e3 * stage.latency_median_s:.{places}f}",
        stage.spread,
        f"{1e3 * stage.latency_p90_s:.{places}f}",
        "--" if stage.predicted_s is None else f"{1e3 * stage.predicted_s:.{places}f}",
        significant(stage.file_bytes / 1e3),
        significant(stage.macs / 1e6),
        f"{stage.parameters / 1e3:.1f}",
        stage.trained,
    ]
    return " & ".join(cells) + " \\\\\n"


def _state(run: Setup) -> str:
    """The processor's state as far as it is known; a table depends on it."""
    words = {"cores": "cores", "quota": "quota", "clock_cap_khz": "clock up to (kHz)", "governor": "governor"}
    words |= {"turbo": "turbo", "power": "power"}
    return ", ".join(f"{name} {escape(run.values[key])}" for key, name in words.items() if run.values.get(key))


def earlier(versions: str) -> str:
    """The versions of earlier steps, each once: "retrain: commits 3dd95a862866, efbd036c7892"."""
    found: dict[str, list[str]] = {}
    for one in versions.split("; "):
        steps, _, version = one.rpartition(": ")
        found.setdefault(steps, []).append(version)
    return "; ".join(f"{steps}: {_commits(own)}" for steps, own in found.items())


def _commits(versions: Sequence[str]) -> str:
    if len(versions) > 1 and all(re.fullmatch(r"commit \w+\+?", one) for one in versions):
        return f"commits {', '.join(one.removeprefix('commit ') for one in versions)}"
    return " or ".join(versions)


def _minutes(parts: Sequence[Part]) -> str:
    """The steps of each command whose results are shown, added; those shared with an earlier one count there."""
    return ", ".join(f"{escape(part.part)} {significant(part.seconds / 60)}" for part in parts)


def _setup(run: Setup, parts: Sequence[Part]) -> str:
    whole = ("space_size", "train_images", "validation_images", "test_images", "evaluations", "table_rounds")
    n = {key: count(run.number(key)) for key in (*whole, "table_graphs")}
    t = {key: escape(run.text(key)) for key in run.values}
    target, fraction = run.optional("target_ms"), run.optional("target_fraction")
    share = "" if fraction is None else rf" ({100 * fraction:.0f}\,\% of the reference)"
    keys = {name: f"{key}_total_seconds" for name, key in SPENT.items()}
    spent = {name: run.optional(key) for name, key in keys.items() if key in run.values}
    times = ", ".join(rf"{name} {s:.0f}\,s" for name, s in spent.items() if s is not None)
    verdict = escape(run.values.get("table_verdict", ""))
    under = origin.under(run.values.get("trunks", ""))
    layers = count(run.number("layers") - bool(under))  # the choice of a trunk is not one
    rows = {
        "space": f"{t['space']}{under}: {n['space_size']} networks, {layers} layers",
        "data": f"{source(run)}, {t['resolution']} pixels, {t['classes']} classes",
        "images": f"{n['train_images']} training, {n['validation_images']} validation, {n['test_images']} test",
        "search": f"{t['strategy']}, seed {t['seed']}, {n['evaluations']} evaluations",
        "objective": f"{t['objective']}, {' and '.join(t.get('costs', 'latency').split())} in {t['precision']}",
        "target": "none" if target is None else rf"{significant(target)}\,ms{share}",
        "training steps": f"supernet {t['supernet_steps']}, retrain {t['retrain_steps']}"
        + (f", finetune {t['finetune_steps']}" if run.values.get("finetune_steps") else ""),
        "device": ", ".join(dict.fromkeys(t[key] for key in ("device", "cpu", "machine") if run.values.get(key))),
        **({"processor": state} if (state := _state(run)) else {}),
        "threads": t["threads"],
        "software": f"{RUNTIMES[run.runtime]} {t[run.runtime]}, torch {t['torch']}, Python {t['python']}",
        **({"earlier steps": earlier(t["other_versions"])} if run.values.get("other_versions") else {}),
        **({"not compared": t["ignored"]} if run.values.get("ignored") else {}),
        "latency table": f"{n['table_rounds']} rounds of {n['table_graphs']} graphs, "
        rf"SHA-256 \texttt{{{t['table_sha256'][:12]}}}" + (f", {verdict}" if verdict else ""),
        **({"time": times} if times else {}),  # older results lack them
        **({"minutes of steps": minutes} if (minutes := _minutes(parts)) else {}),
        "commit": rf"\texttt{{{t['git_commit'][:12]}}}",
    }
    lines = "".join(f"{name} & {value} \\\\\n" for name, value in rows.items())
    columns = r"@{}l>{\raggedright\arraybackslash}p{0.68\columnwidth}@{}"
    return f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{lines}\\bottomrule\n\\end{{tabular}}\n"
