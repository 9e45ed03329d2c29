"""python -m experiments.measure: the latency table of this space on this device, in fp32 and INT8."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.steps.plan:measure")
