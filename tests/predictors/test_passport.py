"""Tests what the device fingerprint distinguishes, with a fake /proc and /sys."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from predictors import agent
from predictors.agent import facts, machine
from predictors.board.fingerprint import DECIDING

A76 = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n\nModel\t: Raspberry Pi 5 Model B Rev 1.0\n"
BIG_LITTLE = "CPU implementer\t: 0x41\nCPU part\t: 0xd05\n" * 4 + "CPU implementer\t: 0x41\nCPU part\t: 0xd0b\n" * 4
FREQUENCIES = "sys/devices/system/cpu/cpufreq"
BOARD = {  # four slow cores and four fast ones, mains power, no quota
    "proc/cpuinfo": BIG_LITTLE,
    "proc/self/cgroup": "0::/user.slice\n",
    f"{FREQUENCIES}/policy0/related_cpus": "0 1 2 3\n",
    f"{FREQUENCIES}/policy0/cpuinfo_max_freq": "1800000\n",
    f"{FREQUENCIES}/policy0/scaling_max_freq": "1800000\n",
    f"{FREQUENCIES}/policy0/scaling_governor": "performance\n",
    f"{FREQUENCIES}/policy4/related_cpus": "4 5 6 7\n",
    f"{FREQUENCIES}/policy4/cpuinfo_max_freq": "2400000\n",
    f"{FREQUENCIES}/policy4/scaling_max_freq": "2400000\n",
    f"{FREQUENCIES}/policy4/scaling_governor": "performance\n",
    f"{FREQUENCIES}/boost": "0\n",
    "sys/class/power_supply/ADP1/type": "Mains\n",
    "sys/class/power_supply/ADP1/online": "1\n",
    "sys/class/power_supply/BAT0/type": "Battery\n",
    "sys/class/power_supply/BAT0/status": "Full\n",
    "sys/fs/cgroup/user.slice/cpu.max": "max 100000\n",
}
INTEL = "sys/devices/system/cpu/intel_pstate/no_turbo"


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path, BOARD)
    monkeypatch.setattr(agent, "ROOT", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("key", "change", "then", "now"),
    [
        ("clock_max_khz", {f"{FREQUENCIES}/policy4/cpuinfo_max_freq": "3000000"}, None, "3000000 (cores 4-7)"),
        ("clock_cap_khz", {f"{FREQUENCIES}/policy0/scaling_max_freq": "900000"}, None, "900000 (cores 0-3)"),
        ("governor", {f"{FREQUENCIES}/policy4/scaling_governor": "powersave"}, "performance", "powersave (cores 4-7)"),
        ("turbo", {f"{FREQUENCIES}/boost": "1"}, False, True),
        ("turbo", {INTEL: "0"}, False, True),
        ("power", {"sys/class/power_supply/ADP1/online": "0"}, "mains", "battery"),
        ("quota", {"sys/fs/cgroup/user.slice/cpu.max": "150000 100000"}, "none", 1.5),
        ("quota", {"sys/fs/cgroup/cpu.max": "50000 100000"}, "none", 0.5),
        ("cpu", {"proc/cpuinfo": A76}, "Cortex-A55 + Cortex-A76", "Cortex-A76"),
        ("model", {"proc/device-tree/model": "Orange Pi 5\0"}, None, "Orange Pi 5"),
    ],
)
def test_two_machines_that_differ_have_two_passports(
    root: Path, key: str, change: dict[str, str], then: object, now: object
) -> None:
    before = agent.passport()
    write(root, change)
    after = agent.passport()
    assert {name for name in before if before[name] != after[name]} == {key}
    assert key in DECIDING
    assert then is None or before[key] == then
    assert after[key] == now or str(now) in after[key]


def test_the_cores_that_may_be_used_are_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere = agent.passport()
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 4, 5, 6})
    assert (everywhere["cores"], agent.passport()["cores"]) == ("0-7", "0,4-6")


def test_clocks_are_found_in_the_cores_own_folders_too(root: Path) -> None:
    """Some kernels have no folder of policies but one in each core's folder."""
    told = agent.passport()["governor"]
    for path in BOARD:
        if path.startswith(FREQUENCIES):
            (root / path).unlink()
    write(root, {f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor": "performance" for core in range(8)})
    assert agent.passport()["governor"] == told == "performance"


@pytest.mark.parametrize("key", ["clock_max_khz", "clock_cap_khz", "governor", "turbo", "power", "quota", "model"])
@pytest.mark.parametrize("damage", [None, "", "\0\xff"])
def test_what_cannot_be_read_is_unknown(root: Path, key: str, damage: str | None) -> None:
    for path in BOARD:
        (root / path).unlink()
        if damage is not None:
            write(root, {path: damage})
    value = agent.passport()[key]
    assert value is None or (key in ("governor", "model") and damage)


@pytest.mark.parametrize(
    ("supplies", "power"),
    [
        ({}, "mains"),
        ({"AC": {"online": "0"}}, "battery"),
        ({"AC": {"online": "1"}, "BAT1": {"type": "Battery", "status": "Charging"}}, "mains"),
        ({"BAT1": {"type": "Battery", "status": "Discharging"}}, "battery"),
        ({"ucsi": {"type": "USB", "online": "1"}, "BAT1": {"type": "Battery"}}, "mains"),
        ({"ucsi": {"type": "USB", "online": "0"}, "BAT1": {"type": "Battery"}}, "battery"),
        ({"mouse": {"type": "Battery", "scope": "Device", "status": "Discharging"}}, "mains"),
        ({"BAT1": {"type": "Battery", "status": "Unknown"}}, None),
    ],
)
def test_mains_and_battery_are_told_whatever_the_supplies_are_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, supplies: dict[str, dict[str, str]], power: str | None
) -> None:
    (tmp_path / machine.SUPPLIES).mkdir(parents=True)
    for name, files in supplies.items():
        write(tmp_path, {f"{machine.SUPPLIES}/{name}/{file}": text for file, text in files.items()})
    monkeypatch.setattr(agent, "ROOT", tmp_path)
    assert machine.power() == power


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({"proc/self/cgroup": "1:cpu,cpuacct:/docker/a\n"}, "none"),
        (
            {
                "proc/self/cgroup": "1:cpu,cpuacct:/docker/a\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            2.0,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu:/a\n",
                "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000",
            },
            "none",
        ),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/cpu.max": "25000 100000"}, 0.25),
        ({"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": "garbage"}, None),
        ({}, None),
    ],
)
def test_a_quota_of_either_kind_of_control_group_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], quota: object
) -> None:
    write(tmp_path, files)
    monkeypatch.setattr(agent, "ROOT", tmp_path)
    assert machine.quota() == quota


def test_macs_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"bin/sysctl": "#!/bin/sh\ncase $2 in *brand*) echo Apple M3;; *) echo Mac15,3;; esac\n"})
    write(tmp_path, {"bin/pmset": "#!/bin/sh\necho \"Now drawing from 'Battery Power'\"\n"})
    for program in (tmp_path / "bin").iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setattr(agent, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "platform", "darwin")
    found = agent.passport()
    assert (found["cpu"], found["model"], found["power"]) == ("Apple M3", "Mac15,3", "battery")


@pytest.mark.parametrize("cores", [[0], [0, 1, 2, 5], [3, 4, 9]])
def test_cores_are_written_as_they_are_read(cores: list[int]) -> None:
    assert facts.listed(facts.span(cores)) == cores


def test_the_state_is_of_the_cores_that_are_used(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, {f"{FREQUENCIES}/policy{n}/scaling_cur_freq": f"{n + 1}00000" for n in (0, 4)})
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 4, 5})
    assert agent.state()["clocks_khz"] == [100000, 500000, 500000]
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {4, 5})
    state = agent.state()
    assert (state["cores"], state["clock_khz"], state["clock_max_khz"]) == ("4-5", 500000, 2400000)
