"""python -m experiments.compress: the winner, or a hand-made network, through the stages that the config lists."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.steps.compress:compress")
