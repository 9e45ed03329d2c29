"""python -m experiments.demo: the INT8 file classifies images one after the other, live in the terminal."""

from experiments import command

if __name__ == "__main__":
    command.run("experiments.demonstration:demo")
