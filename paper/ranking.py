"""The text about the supernet's ranking: a sentence on its rank correlation with networks trained alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paper.compression_rows import PRECISION_NAMES
from paper.latex import count, escape, ms
from paper.ranking_rows import ANOTHER, OTHERS, RankTau
from paper.rows import FILES, read
from paper.setup_file import setup

SETUP = "ranking_setup.csv"
HALF = "above median"  # the networks that are more accurate than the median one
NAMES = {"NASWOT": r"NASWOT~\cite{mellor2021neural}"}


def published(results: Path) -> bool:
    """Whether the results include a ranking, which is optional, and say where it comes from."""
    return (results / FILES[RankTau]).exists() and (results / SETUP).exists()


def macros(results: Path) -> dict[str, str]:
    """Macro name -> LaTeX; an empty sentence without a published ranking. Raises ResultError."""
    if not published(results):
        return {"RankingSentence": "", "RankingLimit": "; how well they rank was not measured"}
    taus = read(results, RankTau)
    return {
        "RankingSentence": sentence(taus, chosen(results), length(results) + averaged(results)),
        "RankingLimit": limit(taus, length(results)),
    }


def limit(taus: Sequence[RankTau], trained: str) -> str:
    """Words on what the ranking was compared with, and on whether it holds among the better networks."""
    half, compared = better_half(taus), f"; their ranking was compared with separate training{trained}"
    if half is None or not doubt(half):
        return compared
    return f"{compared}, and among the better half of the networks its $\\tau$ {doubt(half)}"


def of_supernet(taus: Sequence[RankTau]) -> RankTau:
    """The supernet's, among all networks."""
    return next(one for one in taus if (one.predictor, one.among) == ("supernet", "all"))


def better_half(taus: Sequence[RankTau]) -> RankTau | None:
    """The supernet's, among the networks that are more accurate than the median one."""
    return next((one for one in taus if (one.predictor, one.among) == ("supernet", HALF)), None)


def doubt(one: RankTau) -> str:
    """Words for a correlation whose interval includes zero; empty for others."""
    return "is not significantly different from zero" if one.tau_low <= 0 <= one.tau_high else ""


def doubted(one: RankTau) -> str:
    """A correlation with its interval, and with the doubt."""
    return f"{interval(one)}{f', which {doubt(one)}' if doubt(one) else ''}"


def chosen(results: Path) -> str:
    """Words on which random networks were ranked; empty if any were."""
    made = setup(results, SETUP)
    if not made.values.get("band"):
        return ""
    where = f"{escape(made.text('device'))} in {PRECISION_NAMES.get(made.text('precision'), made.text('precision'))}"
    within = rf"within {100 * made.number('band'):g}\,\% of {ms(made.number('target_ms') / 1e3)}"
    return f" whose latencies, predicted for {where}, are {within}"


def length(results: Path) -> str:
    """Words on how long each network was trained; none for published accuracies."""
    passes = setup(results, SETUP).values.get("passes")
    shown = f"{float(passes):.3g}" if passes else ""
    return f" for {shown} {'pass' if shown == '1' else 'passes'}" if shown else ""


def averaged(results: Path) -> str:
    """Words on the number of trainings of each network, if there are several."""
    trainings = setup(results, SETUP).values.get("trainings", "")
    return f" (means of {trainings} trainings)" if trainings not in ("", "0", "1") else ""


def sentence(taus: Sequence[RankTau], which: str = "", trained: str = "") -> str:
    """Compares the supernet with the best predictor that needs no training, and one training with others.

    `which`: words on the networks; `trained`: on the length of their training.
    """
    by_name = {one.predictor: one for one in taus if one.among == "all"}
    supernet, others = by_name.pop("supernet"), {one.predictor: one for one in taus if one.among == OTHERS}
    best = max(by_name.values(), key=lambda one: one.tau)
    name = NAMES.get(best.predictor, best.predictor)
    said = (
        f"{count(supernet.networks)} networks{comma(which)} were ranked by the supernet, and by their test accuracies "
        f"after separate training{trained}. Kendall's $\\tau$ between the two is {doubted(supernet)}. For the "
        f"best predictor without training, {name}, it is {interval(best)}{verdict(best)}."
    )
    half = better_half(taus)
    if half is not None:
        said += f" Among the better half of the networks, the supernet's is {doubted(half)}."
    if not others:
        return said
    again, ours = others[ANOTHER], others["supernet"]
    return (
        f"{said} Two trainings of the same networks with different seeds agree with a $\\tau$ of {interval(again)}, "
        f"and the supernet with one training at {interval(ours)}: as trainings differ by chance, no predictor can be "
        "expected to reach 1."
    )


def comma(which: str) -> str:
    """The words on the networks, with a comma if there are any."""
    return f"{which}," if which else ""


def verdict(best: RankTau) -> str:
    """Words on whether the supernet is better than the best predictor without training; none for older files."""
    if best.difference is None or best.difference_low is None or best.difference_high is None:
        return ""
    doubt = "" if best.difference_low > 0 or best.difference_high < 0 else ", not significant"
    higher = with_interval(best.difference, best.difference_low, best.difference_high)
    return f"; the supernet's $\\tau$ is higher by {higher}{doubt}"


def interval(one: RankTau) -> str:
    """ "0.60 (95 % interval 0.30 to 0.80)"."""
    return with_interval(one.tau, one.tau_low, one.tau_high)


def with_interval(*values: float) -> str:
    middle, low, high = (f"{value:.2f}".replace("-", "$-$") for value in values)
    return rf"{middle} (95\,\% interval {low} to {high})"
