"""Where a board is and how ssh reaches it. The settings are checked, so none can become an option or shell code."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass

from predictors import agent
from search_spaces.errors import LutraError

# Reads a line "<bytes> <sha256>" and exactly that many bytes of Python; runs them if the hash matches.
START = (
    "import hashlib,io,signal,sys;signal.alarm(30);i=io.BufferedReader(io.FileIO(0,closefd=False),1);"
    "n,h=i.readline().split();s=i.read(int(n));"
    "exec(s if hashlib.sha256(s).hexdigest()==h.decode() else sys.exit(3))"
)
ALLOWED = {
    "host": r"[A-Za-z0-9_.\[\]][A-Za-z0-9_.:%\[\]-]{0,254}",
    "user": r"([A-Za-z_][A-Za-z0-9_.-]{0,31})?",
    "python": r"[A-Za-z0-9_./][A-Za-z0-9_./+-]{0,254}",
}


@dataclass(frozen=True)
class Destination:
    """The board's address; an empty user or port 0 leaves the choice to the user's ssh configuration."""

    host: str
    user: str = ""
    port: int = 0
    python: str = "python3"  # on the board, 3.9 or newer
    folder: str = "~/.cache/lutra"  # on the board: holds the agent, its lock, and packages that the board lacks
    ssh_config: str = ""  # a file to use instead of ~/.ssh/config
    patience: float = agent.PATIENCE  # seconds of silence after which the link counts as broken
    cores: str = ""  # on the board; empty: the scheduler chooses, among the fast ones where some are slow
    runtime: str = ""  # the library's version on the board; empty: this machine's; any: whatever is installed
    library: str = "onnxruntime"  # executes the files: one of `predictors.agent.runtimes`

    def __post_init__(self) -> None:
        """Raises LutraError for settings that ssh could take for an option or a shell for code."""
        for key, allowed in ALLOWED.items():
            if not re.fullmatch(allowed, getattr(self, key)):
                value = getattr(self, key)
                raise LutraError(f"device.{key}={value!r} is not a valid {key}; write, for example, device.{key}=pi")
        if not 0 <= self.port <= 65535:
            raise LutraError(f"device.port must be between 1 and 65535 (0: as ssh is configured), not {self.port}")
        if not 4 * agent.BEAT <= self.patience <= 3600:
            raise LutraError(f"device.patience must be between 2 and 3600 seconds, not {self.patience:g}")
        if self.ssh_config and not os.path.isfile(os.path.expanduser(self.ssh_config.replace("\0", ""))):
            raise LutraError(f"device.ssh_config={self.ssh_config!r} does not exist; name an ssh configuration file")
        if not re.fullmatch(r"any|[0-9]{1,3}(\.[0-9]{1,4}){1,3}|", self.runtime):
            raise LutraError(f"device.runtime={self.runtime!r} is not a version: write, for example, 1.24.1, or any")

    @property
    def where(self) -> str:
        return f"{self.user}@{self.host}" if self.user else self.host

    def address(self) -> list[str]:
        """ssh's arguments for the address; options may precede them."""
        config = ["-F", os.path.expanduser(self.ssh_config)] if self.ssh_config else []
        return [
            *config,
            *(["-p", str(self.port)] if self.port else []),
            *(["-l", self.user] if self.user else []),
        ]

    def command(self) -> list[str]:
        """The ssh command: a connection of its own that never prompts, never forwards, and notices a dead link."""
        alive = max(1, int(self.patience / 3))
        options = (
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
            f"ConnectTimeout={max(1, int(2 * self.patience / 3))}",
            f"ServerAliveInterval={alive}",
            "ServerAliveCountMax=2",
            "ControlPath=none",
            "ClearAllForwardings=yes",
            "RemoteCommand=none",
            "LogLevel=INFO",
        )
        remote = f"exec {shlex.quote(self.python)} -c {shlex.quote(START)}"
        flags = [word for option in options for word in ("-o", option)]
        return ["ssh", "-T", "-a", "-x", *flags, *self.address(), "--", self.host, remote]
