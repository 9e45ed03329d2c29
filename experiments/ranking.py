"""python -m experiments.ranking: whether the supernet ranks networks as separate training does."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.ranking:ranking")
