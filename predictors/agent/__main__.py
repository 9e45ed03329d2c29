"""Starts the agent: `python predictors/agent PATIENCE`. On a board it runs from the single file of `agent_source`."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # instead of this folder

from predictors.agent.children import keep
from predictors.agent.requests import main
from predictors.agent.runtime import report_memory

if sys.argv[1:2] == ["report_memory"]:
    report_memory(sys.argv[2], int(sys.argv[3]))
elif sys.argv[1:2] == ["keep"]:
    keep(int(sys.argv[2]), sys.argv[3:])
else:
    with contextlib.suppress(OSError, ValueError):  # the connection is broken, so there is nobody to report to
        main()
