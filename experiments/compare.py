"""python -m experiments.compare: all strategies, several seeds, the same budget: which is better, and how surely."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.compare:compare")
