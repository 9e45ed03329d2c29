"""python -m experiments.hand_made: the winner beside hand-made networks of the same data, recipe and INT8."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.hand_made:hand_made")
