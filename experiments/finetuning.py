"""python -m experiments.finetuning: which finetuning recipe recovers most accuracy on validation images."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.finetuning:finetuning")
