"""python -m experiments.finetuning: which recipe of finetuning heals the winner best, by validation images alone."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.finetuning:finetuning")
