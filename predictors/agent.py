"""The agent that times ONNX files on the board. One file, Python 3.9 or newer, numpy and onnxruntime only.

It answers requests on standard input, one frame each, on standard output. A frame is a line "LUTRA <bytes> <sha256>"
and that many bytes of JSON; whatever stands before such a line is noise and skipped, and a lone newline says that the
agent is at work. It ends when its input ends, or when nobody asks for as long as its patience lasts.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import io
import json
import math
import os
import platform
import re
import resource
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

MAGIC = b"LUTRA"
ROOT = Path("/")  # of /proc and /sys
PATIENCE = 15.0  # seconds without a request, or with an answer that nobody takes
BEAT = 0.5  # seconds between signs of life
LEAST = 5  # inferences; of fewer, one that was interrupted would be the median
WARM_UP = 0.02  # seconds of inference before a session counts as warm


class Patient(io.RawIOBase):
    """One end of a pipe that raises TimeoutError after `seconds` in which nothing moved."""

    def __init__(self, descriptor: int, seconds: float) -> None:
        self.descriptor, self.seconds = descriptor, seconds

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def moves(self, event: int, seconds: float) -> bool:
        """Whether the pipe can be read or written (or is closed) within `seconds`."""
        if self.closed:
            raise ValueError("the pipe is closed")
        poll = select.poll()
        poll.register(self.descriptor, event)
        return bool(poll.poll(None if math.isinf(seconds) else 1000 * seconds))

    def readinto(self, buffer: Any) -> int:
        self._wait(select.POLLIN)
        data = os.read(self.descriptor, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        self._wait(select.POLLOUT)
        return os.write(self.descriptor, data[: select.PIPE_BUF])  # as much as fits without waiting again

    def _wait(self, event: int) -> None:
        if not self.moves(event, self.seconds):
            raise TimeoutError(f"no sign of life for {self.seconds:g} s")


def write_frame(stream: IO[bytes], message: dict[str, Any]) -> None:
    payload = json.dumps(message).encode()
    stream.write(b"\n%s %d %s\n" % (MAGIC, len(payload), hashlib.sha256(payload).hexdigest().encode()))
    stream.write(payload)
    stream.flush()


def read_frame(stream: IO[bytes]) -> dict[str, Any] | None:
    """The next whole frame, None at the end of the stream. Raises ValueError for half a frame or another hash."""
    while line := stream.readline():
        words = line.split()
        if len(words) == 3 and words[0] == MAGIC and words[1].isdigit():
            payload = stream.read(int(words[1]))
            if hashlib.sha256(payload).hexdigest().encode() != words[2]:
                raise ValueError("a frame is cut short or damaged")
            return json.loads(payload)
    return None


def _text(path: str) -> str | None:
    try:
        return (ROOT / path).read_bytes().replace(b"\0", b"").decode(errors="replace").strip() or None
    except OSError:
        return None


def _number(path: str) -> int | None:
    text = _text(path)
    return int(text) if text and re.fullmatch(r"-?[0-9]{1,18}", text) else None


def passport() -> dict[str, Any]:
    """What may not differ between a table and its use. Unreadable is None: unknown, never fine."""
    import numpy
    import onnxruntime

    lines = (_text("proc/cpuinfo") or "").splitlines()
    named = [line.split(":", 1)[1].strip() for line in lines if re.match(r"(model name|Model)\s*:", line)]
    return {
        "model": _text("proc/device-tree/model") or _text("sys/class/dmi/id/product_name"),
        "cpu": named[0] if named else platform.processor() or None,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "governor": _text("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "system": platform.system(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "onnxruntime": onnxruntime.__version__,
    }


def _vcgencmd(*words: str) -> int | None:
    """The number after the "=" of what a Raspberry Pi's firmware answers; None where it cannot be asked."""
    try:
        done = subprocess.run(["vcgencmd", *words], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    answer = re.fullmatch(r"\S+=(0x[0-9a-fA-F]{1,8}|[0-9]{1,12})", done.stdout.strip())
    return int(answer[1], 0) if answer else None


def _temperature() -> int | None:
    """Thousandths of a degree, of the processor's own zone, or of the first."""
    zones = [f"sys/class/thermal/thermal_zone{index}" for index in range(16)]
    of_cpu = [zone for zone in zones if re.search("cpu|x86_pkg|soc", _text(f"{zone}/type") or "")]
    return _number(f"{(of_cpu or zones)[0]}/temp")


def state() -> dict[str, Any]:
    """The board at this moment. What is unreadable is None: unknown, never fine."""
    cpu = "sys/devices/system/cpu/cpu0/cpufreq"
    usage = resource.getrusage(resource.RUSAGE_SELF)
    bits = _vcgencmd("get_throttled")
    swapped = re.search(r"^pswpin (\d+)$", _text("proc/vmstat") or "", re.MULTILINE)
    return {
        "clock_khz": _number(f"{cpu}/scaling_cur_freq"),
        "clock_max_khz": _number(f"{cpu}/cpuinfo_max_freq"),
        "firmware_clock_hz": _vcgencmd("measure_clock", "arm"),
        "governor": _text(f"{cpu}/scaling_governor"),
        "temperature_mc": _temperature(),
        "throttled": None if bits is None else hex(bits),  # bits 0-3: now, 16-19: since the board was booted
        "mains": _number("sys/class/power_supply/AC/online"),
        "load": os.getloadavg()[0],
        "swapped_in_pages": int(swapped[1]) if swapped else None,
        "boot_id": _text("proc/sys/kernel/random/boot_id"),
        "preempted": usage.ru_nivcsw,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "clock_seconds": time.monotonic(),
        "peak_rss_kb": usage.ru_maxrss,
    }


def peak_rss() -> int | None:
    """Bytes that this process has had resident at most; None where that is unknown.

    Not Linux's ru_maxrss, which goes on from the parent's: a child of a process of 300 MB began at 312 MB, used 11.
    """
    if peak := re.search(r"^VmHWM:\s*(\d+) kB$", _text("proc/self/status") or "", re.MULTILINE):
        return 1024 * int(peak[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if sys.platform == "darwin" else None


class Link:
    """The agent's own standard input and output, as streams of frames."""

    def __init__(self, patience: float) -> None:
        self.pipe = Patient(0, patience)
        self.requests = io.BufferedReader(self.pipe)
        self.answers = io.BufferedWriter(Patient(os.dup(1), patience))
        self.beat = time.monotonic() + BEAT
        os.dup2(2, 1)  # whatever a library prints is not part of the answer

    def alive(self) -> None:
        """In the middle of a request: ends the agent where the host has gone, and tells it that work goes on."""
        if self.pipe.moves(select.POLLIN, 0):  # nothing but the end may come before the answer
            raise SystemExit("the host has gone")
        if time.monotonic() > self.beat:
            self.beat = time.monotonic() + BEAT
            self.answers.write(b"\n")
            self.answers.flush()


def options(threads: int) -> Any:
    """How onnxruntime is to run a file here: with so many threads, which leave the cores alone between inferences."""
    import onnxruntime

    chosen = onnxruntime.SessionOptions()
    chosen.intra_op_num_threads, chosen.inter_op_num_threads = threads, 1
    chosen.add_session_config_entry("session.force_spinning_stop", "1")
    chosen.log_severity_level = 3
    return chosen


def intact(name: str, onnx: str, sha256: str) -> bytes:
    data = base64.b64decode(onnx)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ValueError(f"{name} arrived damaged")
    return data


def open_file(onnx: bytes | str, threads: int) -> tuple[Any, dict[str, Any]]:
    """A session of a file's bytes or path, and one random image for it."""
    import numpy
    import onnxruntime

    session = onnxruntime.InferenceSession(onnx, options(threads), providers=["CPUExecutionProvider"])
    image = session.get_inputs()[0]
    shape = [size if isinstance(size, int) else 1 for size in image.shape]
    return session, {image.name: numpy.random.default_rng(0).standard_normal(shape, dtype=numpy.float32)}


def report_memory(threads: int) -> None:
    """As a fresh process: prints its peak before it opens the file on its standard input, and after some inferences."""
    import numpy.random  # noqa: F401 (so that it counts as the runtime's)
    import onnxruntime  # noqa: F401

    runtime = peak_rss()
    try:
        session, feed = open_file("/dev/stdin", threads)
        for _ in range(LEAST):
            session.run(None, feed)
    except Exception as error:
        sys.exit(one_line(error))
    print(json.dumps({"peak": peak_rss(), "runtime": runtime}))


def one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


class Board:
    """The loaded files, by name."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.sessions: dict[str, Any] = {}
        self.feeds: dict[str, dict[str, Any]] = {}

    def load(self, name: str, onnx: str, sha256: str, threads: int) -> dict[str, Any]:
        """Opens a file and warms it up."""
        self.sessions[name], self.feeds[name] = open_file(intact(name, onnx, sha256), threads)
        self.sample(name, WARM_UP, False)
        return {}

    def sample(self, name: str, seconds: float, each: bool) -> tuple[float, list[float]]:
        """The median inference of at least `seconds` and LEAST of them, in seconds; and every single one if `each`.

        The median, since other programs take the core for milliseconds at a time: with five busy processes on two
        cores, samples of 20 ms differed by 18 to 45 % in their mean and by 2 to 3 % in their median.
        """
        run, feed, clock = self.sessions[name].run, self.feeds[name], time.perf_counter
        moments = [clock()]
        while moments[-1] - moments[0] < seconds or len(moments) <= LEAST:
            run(None, feed)
            moments.append(clock())
        singles = [b - a for a, b in zip(moments, moments[1:])]  # noqa: RUF007 (Python 3.9)
        return statistics.median(singles), singles if each else []

    def round(self, order: list[str], seconds: float, each: bool) -> dict[str, Any]:
        """One sample of every named file, in this order, between two looks at the board's state."""
        before, samples = state(), []
        for name in order:
            samples.append(self.sample(name, seconds, each))
            self.link.alive()
        return {"before": before, "samples": samples, "after": state()}

    def outputs(self, name: str, image: list[Any]) -> dict[str, Any]:
        """A file's first output for one image: compared with the host's, so that both run the same network."""
        import numpy

        feed = {key: numpy.asarray(image, numpy.float32) for key in self.feeds[name]}
        return {"output": self.sessions[name].run(None, feed)[0].tolist()}

    def peak_memory(self, name: str, onnx: str, sha256: str, threads: int) -> dict[str, Any]:
        """What a process that opens and runs nothing but this file has resident at most: bytes, or None if unknown.

        The answer is {"peak": ..., "runtime": ...}, "runtime" before it opened the file.
        """
        with tempfile.TemporaryFile() as file:
            file.write(intact(name, onnx, sha256))
            file.seek(0)
            done, said = self._run([sys.executable, __file__, "report_memory", str(threads)], file)
        if not done:
            raise RuntimeError(f"{name}: {said}")
        return json.loads(said)

    def setup(self, folder: str, packages: list[str], source: str, patience: float) -> dict[str, Any]:
        """Takes the board's lock and sees to the packages; then says which command `enter` is to go on as.

        The answer is {"busy": pid} where another agent has the lock, and {"failed": command, "said": last line} where
        the packages could not be installed.
        """
        home = Path(folder).expanduser().resolve()
        home.mkdir(parents=True, exist_ok=True)
        self.lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT)  # open for as long as the process lives
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return {"busy": os.read(self.lock, 99).decode()}
        os.ftruncate(self.lock, 0)
        os.write(self.lock, str(os.getpid()).encode())
        venv = str(home / "venv" / "bin" / "python")
        imports = "import " + ", ".join(packages)
        found = [python for python in (sys.executable, venv) if self._run([python, "-c", imports])[0]]
        if not found:
            make = [sys.executable, "-m", "venv", "--clear", str(home / "venv")]
            for command in (make, [venv, "-m", "pip", "install", *packages], [venv, "-c", imports]):
                done, said = self._run(command)
                if not done:
                    return {"failed": " ".join(command), "said": said}
        (home / "agent.py").write_text(source)
        return {"enter": [(found or [venv])[0], str(home / "agent.py"), str(patience)]}

    def enter(self, command: list[str]) -> None:
        """Goes on as another Python with the same pipes and the same lock."""
        os.dup2(self.link.answers.raw.descriptor, 1)
        os.set_inheritable(self.lock, True)
        os.execv(command[0], command)

    def _run(self, command: list[str], file: Any = subprocess.DEVNULL) -> tuple[bool, str]:
        """Whether the command succeeds with this input, and the last line that it said; it dies with the agent."""
        with tempfile.TemporaryFile() as output:
            try:
                process = subprocess.Popen(command, stdin=file, stdout=output, stderr=output)
            except OSError as error:
                return False, str(error)
            try:
                while process.poll() is None:
                    self.link.alive()
                    time.sleep(0.05)
            finally:
                process.kill()
                process.wait()
            output.seek(0)
            lines = output.read().decode(errors="replace").split("\n")
        nothing = f"it ended with exit code {process.returncode}"
        return process.returncode == 0, ([line for line in lines if line.strip()] or [nothing])[-1]


def main(kind: type[Board] = Board) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the host; the agent ends when its input does
    signal.alarm(0)  # the start over ssh is under a limit
    board = kind(Link(float(sys.argv[1]) if len(sys.argv) > 1 else PATIENCE))
    requests: dict[str, Callable[..., dict[str, Any]]] = {
        "ping": dict,
        "passport": passport,
        "state": state,
        "setup": board.setup,
        "load": board.load,
        "round": board.round,
        "outputs": board.outputs,
        "peak_memory": board.peak_memory,
    }
    while (request := read_frame(board.link.requests)) is not None:
        answer: dict[str, Any] = {"nonce": request.pop("nonce", None)}
        try:
            answer["answer"] = requests[request.pop("do")](**request)
        except Exception as error:
            answer["error"] = one_line(error)
        write_frame(board.link.answers, answer)
        if "enter" in answer.get("answer", ()):
            board.enter(answer["answer"]["enter"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["report_memory"]:
        report_memory(int(sys.argv[2]))
    else:
        with contextlib.suppress(OSError, ValueError):  # the connection broke: nobody is left to hear of it
            main()
