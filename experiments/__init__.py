"""The commands: python -m experiments.NAME, or lutra NAME.

Each names its function, which is imported once the command line is accepted.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

UNSUPPORTED = "Lutra runs on Linux and macOS; on Windows use WSL: https://learn.microsoft.com/windows/wsl/install"
# a process that a command started has the command's arguments; there, multiprocessing is imported before this module
WORKER = (
    "multiprocessing.process" in sys.modules and sys.modules["multiprocessing.process"].parent_process() is not None
)
# python -m experiments.NAME, while Python still looks up the module; or the console script
COMMAND = not WORKER and (sys.argv[:1] == ["-m"] or os.path.basename("".join(sys.argv[:1])) == "lutra")


def _interrupted(number: int, frame: object) -> None:
    """Handles Ctrl-C during the imports, which take seconds; libraries would print many lines."""
    os.write(2, b"error: interrupted; the same command starts again\n")
    os._exit(2)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Prints one line for a library that is not installed; a traceback for any other error."""
    library = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if not library or (Path(__file__).parents[1] / library).exists():  # none, or one of our own packages
        return sys.__excepthook__(kind, error, trace)
    sys.stdout.flush()
    advice = "pip install . in Lutra's folder, or make demo, which installs everything into .venv"
    print(f"error: {library} is not installed for {sys.executable}: {advice}", file=sys.stderr, flush=True)
    os._exit(2)


@contextmanager
def importing() -> Iterator[None]:
    """Prints one line on Ctrl-C, even while a command imports modules later."""
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not (COMMAND and usual and threading.current_thread() is threading.main_thread()):
        yield
        return
    signal.signal(signal.SIGINT, _interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


if sys.platform == "win32":
    if COMMAND:
        print(f"error: {UNSUPPORTED}", file=sys.stderr)
        sys.exit(2)
    raise ImportError(UNSUPPORTED)
if COMMAND:
    sys.excepthook = _uncaught
if COMMAND and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _interrupted)

# Threads that wait for each other spin for a moment, then sleep: spinning on takes cores from other programs, and to
# sleep at once slows small layers down (experiments.bench.waiting). Only GNU's OpenMP, torch's on Linux, counts spins.
SPINS = 2_000
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))
