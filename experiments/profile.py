"""python -m experiments.profile: where the time of the deployed file goes on the device, operator by operator.

profile.minutes=10 then runs it under steady load, and shows latency, clock and temperature over time.
"""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.profile:profile")
