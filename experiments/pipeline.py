"""python -m experiments.pipeline: every step, from the board's latency table to the INT8 file measured on it."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.steps.pipeline:pipeline")
