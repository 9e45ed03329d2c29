"""The setup of a run as keys and values, for the paper's setup table and the sizes in its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.setup.images import dataset_of
from experiments.setup.session_record import Session
from experiments.setup.targets import targets_of
from experiments.stages import int8_record
from experiments.steps.settings import Search
from experiments.store import artefacts, versions
from experiments.store.provenance import Lineage
from experiments.store.step import Means
from experiments.store.step_index import Index
from experiments.store.winner import FINALIST
from predictors.board.fingerprint import runtime_of
from predictors.costs import LATENCY
from predictors.tables.table import LatencyTable
from predictors.tables.table_file import read_table
from search_spaces.space import SearchSpace

STATE = ("cores", "quota", "clock_max_khz", "clock_cap_khz", "governor", "turbo", "power")  # of the device fingerprint


def setup(
    search: Search,
    means: Means,
    table: Path,
    steps: Index,
    inputs: Mapping[str, str],
    origin: Lineage,
    session: Session,
) -> dict[str, Any]:
    """Facts for a report from its `inputs`; `session`: the facts of the benchmark's session."""
    made = {step.what: steps.records[step.manifest] for step in origin.line}
    everything = [steps.records[key] for key, _ in steps.ancestors(inputs)]
    latencies, checked = read_table(table), int8_record.load(steps.folders[inputs["compress"]])
    own = (table.parent / artefacts.MANIFEST).exists()
    return {
        **_asked(search, means, latencies),
        **_machine(latencies, made["benchmark"]["versions"]),
        "table_sha256": artefacts.sha256(table),
        **_trained({what: record["config"] for what, record in made.items()}),
        "supernet_total_seconds": made["train"]["seconds"],
        "search_total_seconds": made["search"]["seconds"] + _finalists_seconds(steps, made.get("finalists")),
        "measure_total_seconds": artefacts.manifest(table.parent)["seconds"] if own else "",
        "int8_agreement": checked.agreement,
        "float_layers": " ".join(map(str, checked.float_layers)),
        "untimed_float_layers": " ".join(map(str, checked.untimed_float_layers)),
        "saturating_layers": "" if checked.saturating is None else checked.saturating,
        "git_commit": made["benchmark"]["git_commit"],
        "other_versions": versions.disagreements(everything, made["benchmark"]),
        **{f"machine_speed_{precision}": 1 / slower.ratio for precision, slower in session.slowdowns.items()},
        **judged("table", latencies.verdict.state, latencies.verdict.reasons),
        "table_unknown": " ".join(latencies.verdict.unknown),
        **judged("session", session.state, session.reasons),
    }


def _finalists_seconds(steps: Index, finalists: Mapping[str, Any] | None) -> float:
    """The time of the finalists' trainings and evaluation; added, although several trainings may run at once."""
    if finalists is None:
        return 0.0
    trained = [steps.origin(sha256) for name, sha256 in finalists["inputs"].items() if name.startswith(FINALIST)]
    return float(finalists["seconds"] + sum(steps.records[key]["seconds"] for key in trained if key is not None))


def _recipe(own: Mapping[str, Any]) -> str:
    """What a training does besides its length, as keys and values."""
    named = {key: value for key, value in own.items() if key not in ("steps", "passes", "warmup", "momentum", "amp")}
    return " ".join(f"{key}={value}" for key, value in named.items())


def judged(what: str, state: str, reasons: Sequence[str]) -> dict[str, str]:
    """A verdict on the table or a session, as it is published."""
    return {f"{what}_verdict": state, f"{what}_verdict_reasons": "; ".join(reasons)}


def space_facts(space: SearchSpace, resolution: int) -> dict[str, Any]:
    """The space's name, its trunks if it has several or some were chosen, and the images' resolution in pixels."""
    trunks = " ".join(map(str, space.kept)) or ("all" if space.trunks > 1 else "")
    return {"space": space.name, "trunks": trunks, "resolution": resolution}


def _asked(search: Search, means: Means, latencies: LatencyTable) -> dict[str, Any]:
    """Facts about the space, the images, and the goal of the search."""
    space, data, aim = search.space, dataset_of(search.data.at(means)), search.objective
    targets = {} if aim.name == "pareto" else targets_of(aim, search.precision, space, latencies)
    return {
        **space_facts(space, data.shape.resolution),
        "space_size": space.size,
        "layers": sum(count > 1 for count in space.options),
        "data": data.name,
        "data_file": search.data.at(means).names.file,
        "train_images": len(data.train.labels),
        "validation_images": len(data.validation.labels),
        "test_images": len(data.test.labels),
        "classes": data.shape.classes,
        "strategy": search.strategy.name,
        "seed": search.seed,
        "evaluations": search.search.budget,
        **({"finalist_passes": search.search.finalist_passes} if search.search.finalists else {}),
        "objective": aim.name,
        "costs": " ".join(aim.costs),
        "target_ms": 1e3 * targets[LATENCY] if targets else "",
        "target_fraction": aim.target_fraction if targets and not aim.target_ms else "",
        **{f"target_{name}_bytes": value for name, value in targets.items() if name != LATENCY},
        "precision": search.precision,
    }


def _machine(latencies: LatencyTable, versions: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "device": latencies.device,
        **{
            key: latencies.passport.get(key)
            for key in ("cpu", "machine", "threads", runtime_of(latencies.passport), *STATE)
        },
        "torch": versions["torch"],
        "python": versions["python"],
        "table_rounds": len(latencies.rounds),
        "table_graphs": len(latencies.timed),
    }


def _saved(prune: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the largest possible reduction of the latency that pruning aimed at, unless it had another aim."""
    aims_at_it = prune.get("rule") == "device" and prune.get("target_ms") is None
    return {"prune_saved": prune["saved"]} if aims_at_it else {}


def _trained(made: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The settings of each step from the supernet to the deployed file."""
    tuned, pruned = made.get("finetune"), made.get("prune")
    return {
        "supernet_rule": made["train"]["train"]["rule"],
        "importance": pruned["prune"]["importance"] if pruned else "",
        **_saved(pruned["prune"] if pruned else {}),
        "accelerator": made["train"].get("accelerator", "cpu"),
        "supernet_steps": made["train"]["train"]["steps"],
        "retrain_steps": made["retrain"]["retrain"]["steps"],
        "retrain_recipe": _recipe(made["retrain"]["retrain"]),
        "supernet_images": made["train"]["train"]["steps"] * made["train"]["train"]["batch"],
        "retrain_images": made["retrain"]["retrain"]["steps"] * made["retrain"]["retrain"]["batch"],
        "distillation": max(one.get("distillation", 0.0) for one in made.values()),
        "teacher": next((one["teacher"] for one in made.values() if "teacher" in one), ""),
        "finetune_steps": tuned["finetune"]["steps"] if tuned else "",
    }
