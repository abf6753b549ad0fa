# SPDX-License-Identifier: GPL-2.0-only
"""Ends that no kernel report tells of, in real guests: a cell names each for what it is."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.build.model import Kernel
from harness.console import endings
from harness.console.endings import Word
from harness.deadline import Deadline
from harness.events import Event
from harness.guest.accel import Accel
from harness.guest.image import prepare
from harness.guest.machine import Spec
from harness.paths import QEMU, cache
from harness.pipeline import judge_ending, life
from harness.pipeline.cell import run_cell
from harness.pipeline.life import CellJob
from harness.pipeline.model import Case
from harness.tree.model import Version
from harness.verdict import Verdict
from harness.workloads.catalogue import Workload
from harness.workloads.program import Runnable
from harness.workloads.runner import Load

pytestmark = pytest.mark.e2e

_UNHEARD = "echo N > /sys/class/tty/ttyS0/console"
"""from then on the kernel says nothing: not that it restarts either, which sysrq b else makes it say"""
_SILENCE = f"{_UNHEARD}; kill -STOP $PPID"
"""and the SSH server's process for this connection is stopped"""
_ANON = Workload(name="anon", program="anon", share=0.2, dir="/tmp", did=("pages_touched",), why="x")


@dataclass(frozen=True)
class _Job(CellJob):
    """A cell whose guest does something else first, which its workload would never do."""

    first: str = ""
    patience: float = 30.0

    def argv(self, workload: Runnable) -> tuple[str, ...]:
        return ("sh", "-c", f'{self.first}; exec "$0" "$@"', *super().argv(workload))

    def limit(self, workload: Runnable) -> float:
        return self.patience


def _listener(_event: Event) -> None:
    """Nobody looks at the bar."""


def _case(image: Path, directory: Path, first: str, *append: str, patience: float = 30.0) -> Case:
    """The workload's case in a guest that was made to do *first*."""
    (directory / "cell").mkdir()
    never = Deadline.never()
    job = _Job(
        name="cell",
        kernel_name="base",
        kernel=Kernel(
            key="k",
            directory=image.parent,
            release="6.1",
            cached=True,
            seconds=0.0,
            warnings=(),
            pvh=image.name == "vmlinux",
        ),
        version=Version(6, 1, 0),
        iface="v2",
        profile="plain",
        workloads=(_ANON,),
        lacking=(),
        load=Load(seconds=2.0, limit=16 << 20, workers=1, sample_ms=50, settle=5.0, seed=1),
        spec=Spec(append=append),
        image=prepare(cache(), QEMU, jobs=os.cpu_count() or 1, listener=_listener, deadline=never),
        accel=Accel(name="tcg", why="what QEMU tells of a triple fault, it tells when it emulates"),
        directory=directory / "cell",
        explain=lambda report: report,
        first=first,
        patience=patience,
    )
    cell = run_cell(job, listener=_listener, deadline=Deadline.after(120), cancelled=threading.Event())
    assert cell.cases[0].verdict is Verdict.PASS, cell.cases[0].reason
    return cell.cases[1]


@pytest.mark.parametrize(
    ("first", "append", "word", "says"),
    [
        (f"{_UNHEARD}; echo b > /proc/sysrq-trigger", (), "rebooted", "the guest rebooted without a word"),
        (f"{_UNHEARD}; echo b > /proc/sysrq-trigger", ("reboot=t",), "triple-fault", "triple fault"),
        ("echo b > /proc/sysrq-trigger", ("reboot=t",), "rebooted", "the guest rebooted and said so"),
    ],
    ids=["silent reboot", "triple fault", "reboot that was announced"],
)
def test_a_guest_that_ended(
    base_kernel: Path, tmp_path: Path, first: str, append: tuple[str, ...], word: Word, says: str
) -> None:
    case = _case(base_kernel, tmp_path, first, *append)
    assert (case.verdict, case.ending, case.reason) == (Verdict.FAIL, word, says)


@pytest.mark.parametrize(
    ("first", "patience", "word", "says"),
    [
        (_SILENCE, 1.0, "hung", "hung: neither console nor SSH"),
        (_UNHEARD, 30.0, "console-lost", "the console was lost: SSH still answers, but nothing more came"),
        ("sleep 60", 1.0, "hung", "hung; the guest still answers"),
        ("true", 30.0, "", "console clean"),
    ],
    ids=["hung guest", "lost console", "hung case", "well"],
)
def test_a_guest_that_is_still_there(
    base_kernel: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    first: str,
    patience: float,
    word: Word,
    says: str,
) -> None:
    for module, name in ((judge_ending, "_STILL_AT_WORK"), (endings, "STILL_TALKS")):
        monkeypatch.setattr(module, name, 0.5)
    monkeypatch.setattr(life, "_ANSWER", 2.0)
    monkeypatch.setattr(life, "_ECHO", 1.0)
    case = _case(base_kernel, tmp_path, first, patience=patience)
    assert case.ending == word
    assert says in case.reason
    assert case.verdict is (Verdict.FAIL if word else Verdict.PASS)
