"""The agent that times ONNX files on the board. One file, Python 3.9 or newer, numpy and onnxruntime only.

It answers requests on standard input, one frame each, on standard output, and ends when its input does. A frame is
a line "LUTRA <bytes> <sha256>" and that many bytes of JSON; whatever stands before such a line is noise and skipped.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

MAGIC = b"LUTRA"
WARM_UP = 0.02  # seconds of inference before a session counts as warm


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
        return Path(path).read_bytes().replace(b"\0", b"").decode(errors="replace").strip()
    except OSError:
        return None


def _number(path: str) -> int | None:
    text = _text(path)
    return int(text) if text and text.lstrip("-").isdigit() else None


def passport() -> dict[str, Any]:
    """What may not differ between a table and its use. Unreadable is None: unknown, never fine."""
    import numpy
    import onnxruntime

    lines = (_text("/proc/cpuinfo") or "").splitlines()
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith(("model name", "Model"))]
    return {
        "model": _text("/proc/device-tree/model") or _text("/sys/class/dmi/id/product_name"),
        "cpu": named[0] if named else platform.processor() or None,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "onnxruntime": onnxruntime.__version__,
    }


def throttled() -> str | None:
    """`vcgencmd get_throttled` of a Raspberry Pi: bits 0-3 live, 16-19 since boot; None where unknown."""
    try:
        done = subprocess.run(["vcgencmd", "get_throttled"], capture_output=True, text=True, timeout=5, check=True)
        return hex(int(done.stdout.strip().split("=", 1)[1], 16))
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return None


def state() -> dict[str, Any]:
    """The board at this moment."""
    cpu = "/sys/devices/system/cpu/cpu0/cpufreq"
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "clock_khz": _number(f"{cpu}/scaling_cur_freq"),
        "governor": _text(f"{cpu}/scaling_governor"),
        "temperature_mc": _number("/sys/class/thermal/thermal_zone0/temp"),
        "throttled": throttled(),
        "load": os.getloadavg()[0],
        "boot_id": _text("/proc/sys/kernel/random/boot_id"),
        "preempted": usage.ru_nivcsw,
        "peak_rss_kb": usage.ru_maxrss,
    }


class Board:
    """The loaded files, by name."""

    def __init__(self) -> None:
        self.sessions: dict[str, Any] = {}
        self.feeds: dict[str, dict[str, Any]] = {}

    def load(self, name: str, onnx: str, sha256: str, threads: int) -> dict[str, Any]:
        """Opens a file and warms it up."""
        import numpy
        import onnxruntime

        data = base64.b64decode(onnx)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ValueError(f"{name} arrived damaged")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_session_config_entry("session.force_spinning_stop", "1")  # idle sessions leave the cores alone
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        image = session.get_inputs()[0]
        shape = [size if isinstance(size, int) else 1 for size in image.shape]
        self.sessions[name] = session
        self.feeds[name] = {image.name: numpy.random.default_rng(0).standard_normal(shape, dtype=numpy.float32)}
        self.sample(name, WARM_UP, False)
        return {}

    def sample(self, name: str, seconds: float, each: bool) -> tuple[float, list[float]]:
        """Mean seconds of one inference, over at least `seconds` of them; and every single one if `each`."""
        run, feed, clock = self.sessions[name].run, self.feeds[name], time.perf_counter
        moments = [clock()]
        while moments[-1] - moments[0] < seconds:
            run(None, feed)
            moments.append(clock())
        singles = [b - a for a, b in zip(moments, moments[1:])] if each else []  # noqa: RUF007 (Python 3.9)
        return (moments[-1] - moments[0]) / (len(moments) - 1), singles

    def round(self, order: list[str], seconds: float, each: bool) -> dict[str, Any]:
        """One sample of every named file, in this order, between two looks at the board's state."""
        before = state()
        samples = [self.sample(name, seconds, each) for name in order]
        return {"before": before, "samples": samples, "after": state()}

    def outputs(self, name: str, image: list[Any]) -> dict[str, Any]:
        """A file's first output for one image: compared with the host's, so that both run the same network."""
        import numpy

        feed = {key: numpy.asarray(image, numpy.float32) for key in self.feeds[name]}
        return {"output": self.sessions[name].run(None, feed)[0].tolist()}


def main() -> None:
    board = Board()
    requests: dict[str, Callable[..., dict[str, Any]]] = {
        "passport": passport,
        "state": state,
        "load": board.load,
        "round": board.round,
        "outputs": board.outputs,
    }
    stdout = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is not part of the answer
    while (request := read_frame(sys.stdin.buffer)) is not None:
        try:
            answer: dict[str, Any] = {"answer": requests[request.pop("do")](**request)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        write_frame(stdout, answer)


if __name__ == "__main__":
    main()
