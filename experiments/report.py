"""python -m experiments.report: a run as CSV files, figures and one table; publish=true also as the paper's."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.steps.report:report")
