"""python -m experiments.train: trains the supernet, which holds every network of the space."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.steps.plan:train")
