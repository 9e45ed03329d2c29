"""Runs commands in processes that it forks, with libraries that take seconds to load, images and the device's passport.

It is the code of a Python process in a clone (see `launcher`), with the bytes of a picture in hexadecimal and the path
of composing.py as arguments. It prints the port where it listens, and ends with its last connection. It reads a command
from each line of a connection, and answers with the command's process and its exit code. A command may be told to send
itself a signal at the n-th audit event whose text holds a sign, and to run some code before it reads its arguments.
Each of its figures is that picture, of one dot, unless that code says otherwise: drawing them takes longer than most
commands.
"""

import gc
import importlib
import json
import os
import runpy
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Any

LOADED = (
    *("experiments", "hydra", "onnx", "rich.progress", "rich.table", "safetensors.torch", "torch", "torch._dynamo"),
    *("sklearn.cluster", "sklearn.datasets", "sklearn.ensemble", "sklearn.gaussian_process", "moocore", "scipy.stats"),
    *("onnxruntime.quantization", "torch_pruning", "matplotlib.figure", "torch.utils.tensorboard"),
    *(f"experiments.steps.{name}" for name in ("pipeline", "report_files", "search", "train")),
    *("experiments.config.command", "experiments.setup.recipes", "paper.figures.style"),
)


def known() -> None:
    """Asks for what a process asks for once: the default images and device, the code and its versions."""
    from experiments.config import Config
    from experiments.setup.devices import passport_of
    from experiments.setup.images import dataset_of
    from experiments.store import versions

    dataset_of(Config().data)
    passport_of(Config().device)
    versions.made_by()


gc.disable()
for name in LOADED:  # first `experiments`, which sets how torch's threads wait
    importlib.import_module(name)
DOT = bytes.fromhex(sys.argv[1])
composing: dict[str, Any] = {}
exec(Path(sys.argv[2]).read_text(), composing)
composing["prepare"]("experiment=smoke")
known()
gc.freeze()  # a collection would copy the memory that the processes share
gc.set_threshold(50_000, 20, 50)
gc.enable()

listening = socket.create_server(("127.0.0.1", 0))
listening.settimeout(1)
print(listening.getsockname()[1], flush=True)
patience = 60  # seconds until the first connection
while True:  # each connection has a process
    try:
        connection, _ = listening.accept()
    except TimeoutError:
        patience -= 1
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:  # there is none, or not any more
            if patience < 0:
                os._exit(0)
        continue
    patience = 0
    if os.fork() == 0:
        break
    connection.close()

lines = connection.makefile("rw")
for line in lines:
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        break
    print(child, file=lines, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=lines, flush=True)
else:
    os._exit(0)


def die(event: str, details: object) -> None:
    global left
    if event in ("open", "os.rename") and sign in f"{event} {details}":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), asked["send"])


os.setsid()
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
for descriptor in (1, 2):
    os.dup2(os.open(asked["output"][descriptor - 1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
sign, left = asked["die"]
if left:
    sys.addaudithook(die)
sys.argv[1:] = asked["arguments"]
os.fsync = lambda descriptor: None  # no test cuts the power
sys.modules["paper.figures.style"].rendered = lambda drawn, kind: DOT
exec(asked["before"])
code: Any = 0
try:
    runpy.run_module("experiments." + asked["command"], run_name="__main__")
except SystemExit as stop:
    code = stop.code or 0
except BaseException:  # without os._exit, threads of the libraries would keep the process
    traceback.print_exc()
    code = 1
sys.stdout.flush()
sys.stderr.flush()
if asked["die"][1]:
    Path(asked["output"][2]).write_text(json.dumps([asked["die"][1] - left, time.process_time()]))
os._exit(code)  # unloading the libraries would take a second
