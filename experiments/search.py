"""python -m experiments.search: a strategy asks, the supernet and the table answer; one candidate wins."""

from experiments import command

if __name__ == "__main__":
    command.run("experiments.plan:search")
