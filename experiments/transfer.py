"""python -m experiments.transfer: what a target loses by deploying the network that was chosen for another one."""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.transfer:transfer")
