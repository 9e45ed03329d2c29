"""The abstract's claims: one or two sentences for each question that the files answer, and none for the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from paper import benchmarks, chain, comparison, questions, ranking, seeds, shares, transfer, unfinished_searches
from paper.compression import variants
from paper.latex import count, escape, listed
from paper.rows import Curve, Pair, RankTau, Transferred, read
from paper.setup_file import setup

NOUNS = dict(chain.STAGES.values())


def macros(results: Path, texts: Mapping[str, str]) -> dict[str, str]:
    """Macro name -> LaTeX; `texts`: the other macros. Raises ResultError."""
    given = {name for name in questions.PARTS if questions.given(results, name)}
    compared = "Compare" in given and not texts["ComparedOrigin"]
    strategy = setup(results).text("strategy")
    told = " ".join(filter(None, (random(results, strategy) if compared else "", benchmarks.claim(results, strategy))))
    claims = {
        questions.TABLE: _table(given, texts),
        questions.HARDWARE: transfer.claim(read(results, Transferred)) if "Transfer" in given else "",
        questions.SEARCH: " ".join(_search(results, given, texts)) + (f" {told}" if told else ""),
        questions.STAGES: _stages(results, texts) if "Ablation" in given else "",
        questions.SUPERNET: _supernet(results) if "Ranking" in given else "",
    }
    return {"RandomClaim": told, **_conclusions(results, given, texts)} | {
        "Claims": " ".join(rf"\emph{{{question}}} {claim}" for question, claim in claims.items() if claim)
    }


def _table(given: set[str], texts: Mapping[str, str]) -> str:
    what, errors = _predicted(given, texts)
    return f"On {what} its mean error is {errors}. {texts['TableVerdict']}".strip()


def _predicted(given: set[str], texts: Mapping[str, str]) -> tuple[str, str]:
    """What the table was tried on, and its mean errors."""
    which, noisy = "Prediction", ""
    what = f"{texts['NetworkCount']} timings of whole networks, each left out of the correction's fit,"
    if "Fidelity" in given:
        which, noisy = "Fresh", texts["FreshNoisy"]
        what = f"{texts['FreshNetworks']} new networks{texts['FreshElsewhere']}"
    errors = [f"{texts[f'{which}Error{name}']} in {words}" for name, words in (("Float", "fp32"), ("IntEight", "INT8"))]
    return what, f"{listed(errors)}{noisy}"


def _conclusions(results: Path, given: set[str], texts: Mapping[str, str]) -> dict[str, str]:
    """Macro name -> LaTeX: the answers in brief; empty for questions that no file answers."""
    what, errors = _predicted(given, texts)
    told = {
        "HardwareConclusion": transfer.brief(read(results, Transferred)) if "Transfer" in given else "",
        "UnprunedConclusion": seeds.unpruned(results) or texts.get("AblationMore", ""),
        "SupernetConclusion": "",
    }
    if "Ranking" in given:
        tau = ranking.doubted(ranking.of_supernet(read(results, RankTau)))
        told["SupernetConclusion"] = (
            rf"Between the supernet's ranking and that after separate training, $\tau$ is {tau}."
        )
    return {name: f"{text} " if text else "" for name, text in told.items()} | {
        "TableConclusion": f"On {what} the mean error of the latency table is {errors}."
    }


def _search(results: Path, given: set[str], texts: Mapping[str, str]) -> Iterator[str]:
    data, precision = texts["Data"], texts["Quantized"]
    if "HandMade" in given:
        alike = f"in {precision}, with one training recipe and one seed"
        yield f"On {data}, {alike}, {texts['HandMadeBriefly']}{texts['HandMadeRandom']}."
    if texts["DeployedVersus"]:
        yield (
            f"Compared with {texts['ReferenceName']}, also in {texts['NasPrecision']}, the compressed winner "
            f"{texts['DeployedVersus']}."
        )
    else:
        yield (
            f"Without pruning and in {texts['NasPrecision']}, the winner {texts['NasDeployed']}, compared with "
            f"{texts['ReferenceName']}."
        )
    if "Seeds" in given:
        found = seeds.checked(results)
        reference, last = found.get(seeds.REFERENCE, []), found[seeds.last(results)]
        gained = [100 * (one.test_accuracy - other.test_accuracy) for one, other in zip(last, reference)]
        over = f"Over {count(len(last))} seeds, the {precision} file"
        if gained:
            yield f"{over} differs from the reference in fp32 by {seeds.points(gained)}."
        else:
            yield f"{over} classifies {seeds.percent(last)} of the test images correctly."
    if "Compare" not in given or texts["ComparedOrigin"]:
        yield "Strategies of search were not compared in this run."


def random(results: Path, strategy: str) -> str:
    """Whether the run's strategy is better than random search after as many evaluations."""
    curves = read(results, Curve)
    for measure in ("regret", "share"):
        for pair in comparison.of(read(results, Pair), measure, "evaluations"):
            if {pair.a, pair.b} == {strategy, comparison.BASELINE} and unfinished_searches.comparable(pair, curves):
                ours, theirs = (pair.mean_a, pair.mean_b) if pair.a == strategy else (pair.mean_b, pair.mean_a)
                when = f"By {'regret' if measure == 'regret' else 'hypervolume'} after {pair.at:.0f} evaluations"
                if ours == theirs:
                    return (
                        f"{when}, {escape(comparison.word(strategy))} is as good as random search ({pair.seeds} seeds)."
                    )
                better = (ours < theirs) == (measure == "regret")
                told = f"is significantly {'better' if better else 'worse'} than"
                if not pair.significant:
                    told = "does not differ significantly from"
                return f"{when}, {escape(comparison.word(strategy))} {told} random search ({pair.seeds} seeds)."
    return ""


def _stages(results: Path, texts: Mapping[str, str]) -> str:
    rows = variants(results)
    faster = shares.MEASURES["speed-up"]
    means = [f"{shares.number(shares.added(rows, faster, stage)[2], 1)} by {NOUNS[stage]}" for stage in shares.STAGES]
    return (
        f"The chain of {texts['ChainStages']} {texts['AblationWholeBriefly']}; the mean speedup over all "
        f"orders is {listed(means)}. {seeds.unpruned(results) or texts['AblationMore']}"
    )


def _supernet(results: Path) -> str:
    taus = read(results, RankTau)
    supernet = ranking.of_supernet(taus)
    half = ranking.better_half(taus)
    among = f" Among the better half of them it is {ranking.doubted(half)}." if half else ""
    return (
        f"Between its ranking of {count(supernet.networks)} networks and their ranking after separate "
        f"training{ranking.length(results)}, Kendall's $\\tau$ is {ranking.doubted(supernet)}.{among}"
    )
