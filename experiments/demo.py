"""python -m experiments.demo: the deployed file classifies images one at a time, live in the terminal."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.demonstration:demo")
