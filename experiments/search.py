"""python -m experiments.search: a strategy asks, the supernet and the table answer; one candidate wins."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.steps.plan:search")
