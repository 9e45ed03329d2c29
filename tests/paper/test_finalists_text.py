"""Tests what the paper says of candidates that were timed, or trained as finalists."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from paper.candidate_rows import Candidate
from paper.finalists import rejected, sentence, timed_sentence
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
