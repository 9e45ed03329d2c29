"""python -m experiments.pruning_rules: compares pruning by measured latency with rules that ignore the device."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.pruning_rules:pruning_rules")
