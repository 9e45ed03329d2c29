"""python -m experiments.seeds: repeats search, training and compression with several seeds: how far results spread."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.seeds:seeds")
