"""python -m experiments.ablation: what each stage of compression gains: all subsets of stages, timed in one session."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.ablation:ablation")
