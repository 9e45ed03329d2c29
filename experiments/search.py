"""python -m experiments.search: a strategy proposes, supernet and table predict; one candidate wins."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.steps.plan:search")
