# SPDX-License-Identifier: GPL-2.0-only
"""``harness boot``: one guest, a command in it or a shell."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from harness.console.detector import find_reports
from harness.console.model import Report
from harness.deadline import Deadline
from harness.errors import UserError
from harness.events import Listener, Note
from harness.files import make_directory
from harness.guest.accel import Accel, choose, qemu_version
from harness.guest.image import prepare
from harness.guest.machine import Guest, booted
from harness.paths import QEMU
from harness.pipeline.bench import machine_of, probe_boot
from harness.pipeline.plan import Plan


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    exit: int | None
    """the command's exit code; None when the guest or the connection went away"""
    why: str
    output: str
    boot_seconds: float
    accelerator: str
    reports: tuple[Report, ...]


def boot_once(  # noqa: PLR0913 -- one call, from one place, each by its name
    kernel: Path,
    plan: Plan,
    iface: str,
    words: Sequence[str],
    extra: Sequence[Path] = (),
    *,
    cache: Path,
    listener: Listener,
    echo: Callable[[bytes], None] | None,
    hand_over: Callable[[], None],
) -> Outcome:
    """Boot *kernel* and run *words* in it, or a shell on the caller's terminal when there are none.

    *extra* are archives to lay behind the image. *echo* is given each line of output as it comes;
    *hand_over* is called when the guest is ready and the terminal is the command's from now on. UserError
    when the kernel is not there or does not boot, with the last console lines and the likely missing symbol.
    """
    deadline = Deadline.never()
    if not kernel.is_file():
        raise UserError(f"{kernel}: no such kernel image; harness build prints the path of one")
    for archive in extra:
        if not archive.is_file():
            raise UserError(f"{archive}: no such archive; a run's repeat.sh names those that it used")
    version = qemu_version(deadline)
    make_directory(cache, "the cache directory")
    image = prepare(cache, QEMU, jobs=os.cpu_count() or 1, listener=listener, deadline=deadline)
    image = msgspec.structs.replace(image, extra=tuple(one.absolute() for one in extra))
    spec = machine_of(plan, iface)
    with tempfile.TemporaryDirectory(prefix="memcg-harness-") as scratch:
        console = Path(scratch) / "console.log"

        def probe(candidate: Accel) -> str:
            return probe_boot(kernel, image, candidate, Path(scratch), deadline)

        accel = choose(plan.accel, cache, version, probe)
        with booted(kernel.absolute(), image, spec, accel, console=console, deadline=deadline) as guest:
            if guest.failure:
                raise UserError(f"{kernel}: does not boot: {guest.failure}")
            listener(Note(f"ready after {guest.boot_seconds:.2f} s ({accel.name})"))
            hand_over()
            code, why, output = _use(guest, words, echo, deadline)
        reports = tuple(report for report in find_reports(guest.console.text()) if report.severity != "note")
        for report in reports:
            listener(Note(f"console: {report.title}", warning=True))
    return Outcome(
        exit=code,
        why=why,
        output=output,
        boot_seconds=guest.boot_seconds,
        accelerator=accel.name,
        reports=reports,
    )


def _use(
    guest: Guest, words: Sequence[str], echo: Callable[[bytes], None] | None, deadline: Deadline
) -> tuple[int | None, str, str]:
    shell = guest.shell(deadline)
    if not words and echo is not None:
        return shell.interact(), "", ""
    lines: list[bytes] = []

    def take(line: bytes) -> None:
        lines.append(line)
        if echo is not None:
            echo(line)

    ended = shell.follow(
        words or ["true"], take, deadline, give_up=lambda: "" if guest.alive() else "guest died"
    )
    return ended.exit, ended.why, b"\n".join(lines).decode("utf-8", "replace")
