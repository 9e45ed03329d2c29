"""python -m experiments.pruning_rules: pruning by what the device rewards beside rules that do not ask it."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.pruning_rules:pruning_rules")
