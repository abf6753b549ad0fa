# SPDX-License-Identifier: GPL-2.0-only
"""What a run came to, as values. ``run.json`` is :class:`Run`, so these names are a contract."""

from __future__ import annotations

import msgspec

from harness.analysis.model import Analysis
from harness.build.mend import Mended
from harness.build.model import CompilerWarning
from harness.console.endings import Word
from harness.console.model import Report
from harness.memcg.model import Check
from harness.tree.model import PatchLanding
from harness.verdict import Verdict


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that speaks against a case and is neither of the console nor of the counters."""

    verdict: Verdict
    reason: str


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One workload on one kernel and interface, judged."""

    name: str
    """the workload, e.g. ``anon``: stable, without numbers or hashes"""
    verdict: Verdict
    reason: str
    """one line; for a pass, what was shown"""
    ending: Word = ""
    """how it or its guest ended, where that was no good end and no kernel report tells of it"""
    seconds: float = 0.0
    started: str = ""
    """ISO 8601 with zone"""
    checks: tuple[Check, ...] = ()
    reports: tuple[Report, ...] = ()
    said: tuple[Said, ...] = ()
    """beside checks and reports: how it ended, its workers, what makes it worthless; gravest or not"""
    facts: dict[str, str] = {}
    """what the workers say they did, summed"""
    samples: str = ""
    """path of the counter samples (JSON lines), relative to the run's directory"""
    drift: str = ""
    """path of their picture, relative to the run's directory; report/ draws it"""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One kernel on one interface: a guest, or several if it died on the way."""

    name: str
    """``base-v1``, ``patched-v2``, …; ``base-see-v1`` where the plan has several profiles"""
    kernel: str
    """``base`` or ``patched``"""
    iface: str
    profile: str = ""
    """the Kconfig profile that the kernel was built with"""
    verdict: Verdict
    cases: tuple[Case, ...]
    console: str = ""
    """path of the console log, relative to the run's directory"""
    boots: int = 0
    boot_seconds: float = 0.0
    """from QEMU's start to the guest's ready marker, first boot"""


class ProfileUsed(msgspec.Struct, frozen=True, kw_only=True):
    """A Kconfig profile of this run, and what a kernel built with it can show."""

    name: str
    sees: tuple[str, ...]
    misses: tuple[str, ...]


class KernelUsed(msgspec.Struct, frozen=True, kw_only=True):
    """A kernel of this run."""

    name: str
    """``base`` or ``patched``; with the profile, ``base-see``, where the plan has several"""
    profile: str = ""
    release: str
    key: str
    cached: bool
    seconds: float
    image: str
    new_warnings: tuple[CompilerWarning, ...] = ()
    """compiler warnings that the base does not have"""


class Unbuilt(msgspec.Struct, frozen=True, kw_only=True):
    """A kernel of this run that does not build."""

    kernel: str
    """``base`` or ``patched``"""
    profile: str
    verdict: Verdict
    """``fail`` of the patched one; ``broken`` of the base, without which nothing can be told"""
    reason: str


class BlameStep(msgspec.Struct, frozen=True, kw_only=True):
    """The series up to one patch, tried on the case that failed."""

    number: int
    subject: str
    verdict: Verdict
    reason: str


class Blame(msgspec.Struct, frozen=True, kw_only=True):
    """The first patch with which the failing case fails."""

    number: int
    subject: str
    case: str
    cell: str
    steps: tuple[BlameStep, ...]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """How to repeat one step by hand: a line for a shell, quoted."""

    step: str
    command: str


class PatchText(msgspec.Struct, frozen=True, kw_only=True):
    """One patch as it went on the tree, for whoever reads the results without the series at hand."""

    number: int
    author: str
    diff: str
    """``-p1``, nothing but file headers and hunks; bytes that are not UTF-8 as ``\\xNN``"""
    left_out: int = 0
    """bytes of the diff that were cut off at its end"""


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """One check that was not kept, or came close: a row of the report's drift table."""

    cell: str
    case: str
    check: Check


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run. ``finished`` is empty until it ended; a reader must take that for "cut off"."""

    run: str
    """its id, and the name of its directory"""
    verdict: Verdict
    reason: str
    plan: str
    started: str
    finished: str = ""
    seconds: float = 0.0
    tree: str = ""
    """name and version"""
    tree_origin: str = ""
    tree_fingerprint: str = ""
    tree_revision: str = ""
    """git's id of the commit, where the tree is one"""
    series: str = ""
    series_digest: str = ""
    """of the patches, to know them again"""
    patches: tuple[PatchLanding, ...] = ()
    texts: tuple[PatchText, ...] = ()
    """the patches themselves, in the order of ``patches``; the last ones may be missing or cut"""
    analysis: Analysis = Analysis()
    """what is known of the series without running it"""
    findings_fail: bool = True
    """whether a finding of severity ``error`` fails the run"""
    profiles: tuple[ProfileUsed, ...] = ()
    kernels: tuple[KernelUsed, ...] = ()
    unbuilt: tuple[Unbuilt, ...] = ()
    cells: tuple[Cell, ...] = ()
    drift: tuple[Drift, ...] = ()
    reports: tuple[Report, ...] = ()
    """every console report of all cells, gravest cell first"""
    blames: tuple[Blame, ...] = ()
    """the first bad patch, for the first blamed case of each Kconfig profile"""
    edits: tuple[Mended, ...] = ()
    """what we changed in the sources ourselves so that today's tools can build them"""
    machine: dict[str, str] = {}
    """accelerator and why, QEMU's version, cores, compiler"""
    commands: tuple[Command, ...] = ()
