"""python -m experiments.protocols: which way of timing blocks predicts whole networks best, on this machine."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.protocols:protocols")
