"""The commands: python -m experiments.{measure,train,search,compress,benchmark,report,pipeline}."""

import os

# Waiting threads sleep: where another program is busy, spinning ones make a step more than ten times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
