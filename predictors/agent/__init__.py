"""The agent: the program that times networks' files on the board. Needs only Python 3.9 or newer, numpy and a runtime.

Nothing in this folder imports any of our other code, because only this folder is sent to the board.
"""

# ruff: noqa: E402
from __future__ import annotations

from pathlib import Path

ROOT = Path("/")  # of /proc and /sys

from predictors.agent.condition import peak_rss, state
from predictors.agent.frames import MAGIC, Patient, read_frame, write_frame
from predictors.agent.machine import passport
from predictors.agent.requests import BEAT, PATIENCE, Board, Link, main

__all__ = [
    "BEAT",
    "MAGIC",
    "PATIENCE",
    "ROOT",
    "Board",
    "Link",
    "Patient",
    "main",
    "passport",
    "peak_rss",
    "read_frame",
    "state",
    "write_frame",
]
