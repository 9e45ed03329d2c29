"""Tests what the agent reports of its board (with a fake file system and vcgencmd), and its pipes."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from predictors import agent
from predictors.agent import condition
from predictors.board.agent_source import AGENT

PI = {  # files of a Raspberry Pi's kernel
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "proc/sys/kernel/random/boot_id": "5d1f39df-180f-4ec6-8d55-0973e78554a4\n",
    "proc/vmstat": "pgfault 12\npswpin 7\npswpout 9\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "2400000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "sys/class/thermal/thermal_zone0/type": "acpitz\n",
    "sys/class/thermal/thermal_zone0/temp": "20000\n",
    "sys/class/thermal/thermal_zone1/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone1/temp": "51234\n",
}
READ = {  # keys of the state -> their values with these files
    "clock_khz": 1500000,
    "clock_max_khz": 2400000,
    "governor": "ondemand",
    "temperature_mc": 51234,
    "boot_id": "5d1f39df-180f-4ec6-8d55-0973e78554a4",
    "swapped_in_pages": 7,
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes a fake /proc and /sys of a Raspberry Pi."""
    for path, text in PI.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.setattr(agent, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    return tmp_path


def vcgencmd(root: Path, script: str) -> None:
    """Makes a fake vcgencmd."""
    (root / "bin").mkdir(exist_ok=True)
    program = root / "bin" / "vcgencmd"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_the_state_is_what_the_files_and_the_firmware_say(root: Path) -> None:
    vcgencmd(root, 'case "$1" in get_throttled) echo throttled=0x50005;; *) echo "frequency(0)=1500398464";; esac')
    state = agent.state()
    assert {key: state[key] for key in READ} == READ
    assert (state["throttled"], state["firmware_clock_hz"]) == ("0x50005", 1500398464)
    assert agent.passport()["model"] == "Raspberry Pi 5 Model B Rev 1.0"


@pytest.mark.parametrize("live", range(16))
def test_every_combination_of_throttling_is_told_as_it_is(live: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for since_boot in (live, 15):
        bits = since_boot << 16 | live
        monkeypatch.setattr(condition, "output_of", lambda *words, told=f"throttled={bits:#x}": told)
        assert agent.state()["throttled"] == hex(bits)


@pytest.mark.parametrize(
    "script",
    [
        "echo 'VCHI initialization failed'",
        "echo 'VCHI initialization failed' >&2; exit 255",
        'echo "Can\'t open device file: /dev/vcio"; exit 1',
        "echo throttled=",
        "echo throttled=0xnonsense",
        "echo throttled=0x0; exit 1",
        "echo throttled=0x0 and more",
        "echo 'error=1 error_msg=\"Command not registered\"'",
        "printf '\\377\\376'",
        ":",
    ],
)
def test_a_vcgencmd_that_cannot_say_is_unknown_and_never_fine(root: Path, script: str) -> None:
    vcgencmd(root, script)
    state = agent.state()
    assert state["throttled"] is None
    assert state["firmware_clock_hz"] is None


def test_without_vcgencmd_throttling_is_unknown(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(root))
    assert agent.state()["throttled"] is None


@pytest.mark.parametrize("key", READ)
@pytest.mark.parametrize("damage", ["missing", "a folder", "empty", "garbage"])
def test_a_file_that_cannot_be_read_is_unknown(root: Path, key: str, damage: str) -> None:
    for path in PI:
        file = root / path
        if damage == "garbage":
            file.write_bytes(b"\xff\xfe1e9 \0")
        elif damage == "empty":
            file.write_text("")
        else:
            file.unlink()
            if damage == "a folder":
                file.mkdir()
    value = agent.state()[key]
    assert value is None or (damage == "garbage" and isinstance(value, str))


def test_a_pipe_in_which_nothing_moves_is_given_up() -> None:
    end, other = os.pipe()
    with pytest.raises(TimeoutError, match="no sign of life"):
        agent.Patient(end, 0.05).readinto(memoryview(bytearray(8)))
    full = io.BufferedWriter(agent.Patient(other, 0.05))
    with pytest.raises(TimeoutError, match="no sign of life"):
        full.write(bytes(1 << 20))  # more than a pipe holds
    full.raw.close()
    os.close(end)
    os.close(other)


@pytest.mark.parametrize("patience", ["inf", "0.3"])
def test_the_agent_ends_with_its_input_or_its_patience(patience: str) -> None:
    process = subprocess.Popen([sys.executable, str(AGENT), patience], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if patience == "inf":
        process.communicate()
    assert process.wait(20) == 0
    process.communicate()
