"""python -m experiments.profile: the latency of each operator of the quantized file on the device.

profile.minutes=10 then runs it under steady load, and shows latency, clock and temperature over time.
"""

from experiments.config import command

if __name__ == "__main__":
    command.run("experiments.studies.profile:profile")
