# SPDX-License-Identifier: GPL-2.0-only
"""Which accelerator QEMU can really use here. /dev/kvm that opens proves nothing; a boot does."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from pathlib import Path

import msgspec

from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.files import write_whole
from harness.process import run


class Accel(msgspec.Struct, frozen=True, kw_only=True):
    """An accelerator, and why it was chosen."""

    name: str
    """``kvm`` or ``tcg``"""
    why: str

    def qemu(self) -> tuple[str, ...]:
        """QEMU's arguments for it."""
        if self.name == "kvm":
            return ("-accel", "kvm", "-cpu", "host")
        return ("-accel", "tcg,thread=multi", "-cpu", "max")


class _Remembered(msgspec.Struct, frozen=True, kw_only=True):
    machine: str
    accel: Accel


def qemu_version(deadline: Deadline) -> str:
    """QEMU's own version line; UserError with the mend when there is no QEMU."""
    try:
        done = run(["qemu-system-x86_64", "--version"], cwd=Path("/"), deadline=deadline.within(10))
    except InfraError:
        done = None
    if done is None or done.exit != 0:
        raise UserError("qemu-system-x86_64: not found or does not start; apt-get install qemu-system-x86")
    return done.output.splitlines()[0].removeprefix("QEMU emulator version ")


def remembered(cache: Path, version: str) -> Accel | None:
    """What an earlier probe on this machine, this kernel and this QEMU found."""
    try:
        raw = (cache / "accel.json").read_bytes()
        known = msgspec.json.decode(raw, type=_Remembered)
    except (OSError, msgspec.DecodeError):
        return None
    return known.accel if known.machine == _identity(version) else None


def choose(wish: str, cache: Path, version: str, probe: Callable[[Accel], str]) -> Accel:
    """The accelerator for *wish* (``auto``, ``kvm`` or ``tcg``).

    For ``auto``, *probe* boots a guest with KVM and returns why it failed, or "" if it came up;
    the outcome is remembered per machine and QEMU version.
    """
    if wish != "auto":
        return Accel(name=wish, why="asked for")
    known = remembered(cache, version)
    if known is not None:
        return known
    accel = _probed(probe)
    state = _Remembered(machine=_identity(version), accel=accel)
    write_whole(cache / "accel.json", msgspec.json.encode(state))
    return accel


def _probed(probe: Callable[[Accel], str]) -> Accel:
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        there = Path("/dev/kvm").exists()
        return Accel(
            name="tcg", why=f"/dev/kvm {'may not be opened by this user' if there else 'is not there'}"
        )
    failure = probe(Accel(name="kvm", why="probe"))
    if failure:
        return Accel(name="tcg", why=f"/dev/kvm is there, but a probe boot failed: {failure}")
    return Accel(name="kvm", why="a probe boot came up")


def _identity(version: str) -> str:
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        machine = ""
    return "|".join((machine, platform.node() if not machine else "", platform.release(), version))
