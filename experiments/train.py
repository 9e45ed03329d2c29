"""python -m experiments.train: the supernet, which holds every network of the space; and networks from scratch."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.steps.plan:train")
