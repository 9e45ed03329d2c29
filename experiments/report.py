"""python -m experiments.report: a run as CSV files, figures and a table; publish=true also for the paper."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.steps.report:report")
