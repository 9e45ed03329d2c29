"""python -m experiments.reproduce: runs every command for the paper, and says how long each part takes."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.reproduction:reproduce")
