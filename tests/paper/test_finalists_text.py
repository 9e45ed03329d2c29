"""Tests what the paper says of candidates that were timed, or trained as finalists."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from paper.candidate_rows import Candidate
from paper.finalists import ranking, rejected, sentence, timed_sentence
from paper.setup_file import setup


def test_the_paper_says_how_the_finalists_were_chosen(tmp_path: Path) -> None:
    common = {"strategy": "random", "accuracy": 0.5, "feasible": True, "costs": {"latency_s": 1.0}}
    rows = [
        Candidate(arch=str(place), score=-place, **common, trained_accuracy=one, trained_score=one)
        for place, one in enumerate([None, 0.6, 0.7, 0.5])
    ]
    (tmp_path / "setup.csv").write_text("key,value\nfinalist_passes,1.5\n")
    said = sentence(rows, setup(tmp_path))
    assert said.startswith("3 candidates were trained from scratch for 1.5 passes: the best one, then")
    assert said.endswith("with inherited weights it was number 3 of 4.")
    assert sentence([rows[0]], setup(tmp_path)) == ""


def test_the_finalists_rankings_and_the_winner_s_lead_are_told(tmp_path: Path) -> None:
    (tmp_path / "setup.csv").write_text("key,value\nfinalist_passes,1.5\nvalidation_images,5000\n")
    common = {"strategy": "random", "score": 0.0, "feasible": True, "costs": {"latency_s": 1.0}}

    def told(*after: float) -> str:
        before = zip((0.5, 0.4, 0.3, 0.2), after)
        rows = [Candidate(arch=f"{a}", accuracy=a, **common, trained_accuracy=b, trained_score=b) for a, b in before]
        return ranking(rows, setup(tmp_path))

    assert r"$\tau$ between the accuracies with inherited weights and after this training is 1.00; " in told(
        0.8, 0.7, 0.6, 0.5
    )
    assert r"10.0 points more accurate than the next one, a difference that is significant ($\pm$1.7). " in told(
        0.5, 0.6, 0.7, 0.8
    )
    assert (
        r"is $-$0.33; on the validation images the winner is 0.1 points more accurate than the next one, a diff"
        in told(0.7, 0.599, 0.6, 0.701)
    )
    assert told(0.7, 0.6, 0.5) == ""  # too few
    assert told(1, 1, 1, 1) == ""  # no ranking
    assert told(0.7, 0.7, 0.6, 0.5).endswith(" is 0.91. ")  # no lead


def test_the_paper_says_how_many_candidates_were_timed() -> None:
    one = Candidate("random", "0-0", 0.5, 0.5, True, {"latency_s": 1e-3})
    timed = [replace(one, arch=f"0-{place}", timed=True) for place in range(3)]
    assert timed_sentence([one]) == ""
    assert rejected([one]) == "beyond the latency bound"
    assert rejected([one, timed[1]]) == "whose predicted latency is clearly beyond the bound"
    assert timed_sentence([one, timed[1]]).startswith(
        "For 1 of the architectures the prediction left open whether it meets"
    )
    assert timed_sentence([one, *timed[1:]]).startswith(
        "For 2 of the architectures the prediction left open whether they meet"
    )
