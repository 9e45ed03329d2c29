"""python -m experiments.hand_made: compares the winner with hand-made networks: same data, recipe and INT8."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.hand_made:hand_made")
