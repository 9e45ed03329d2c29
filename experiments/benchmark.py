"""python -m experiments.benchmark: every stage's file on the device: accuracy, latency, size, memory, prediction."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.steps.benchmark:shown")
