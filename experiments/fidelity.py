"""python -m experiments.fidelity: how well latency is predicted for networks that no predictor has seen."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.fidelity:fidelity")
