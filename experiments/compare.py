"""python -m experiments.compare: compares all strategies: several seeds, one budget, tests of significance."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.compare:compare")
