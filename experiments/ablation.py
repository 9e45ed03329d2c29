"""python -m experiments.ablation: what each stage of compression gains; every subset of stages, timed side by side."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.ablation:ablation")
