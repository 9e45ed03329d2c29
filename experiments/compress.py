"""python -m experiments.compress: takes the winner, or a hand-made network, through the configured stages."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.steps.compress:compress")
