"""python -m experiments.exact: the exact Pareto front, and the best network within any latency budget."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.exact:exact")
