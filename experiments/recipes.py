"""python -m experiments.recipes: what each part of a training recipe gains on validation images, per CPU minute."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.recipes:recipes")
