# SPDX-License-Identifier: GPL-2.0-only
"""Runs as the pipeline gives them, for the tests of harness/report: every verdict, and what goes with it."""

from __future__ import annotations

import msgspec

from harness.build.model import CompilerWarning
from harness.console.model import Frame, Report
from harness.memcg.model import Check
from harness.pipeline.model import Blame, BlameStep, Case, Cell, Command, Drift, KernelUsed, Run
from harness.tree.model import PatchLanding
from harness.verdict import Verdict

STARTED = "2026-11-23T06:15:00+00:00"
HOSTILE = (
    "\x1b[31mred\x1b[0m ]]> <![CDATA[ \x00 \udc80 \ud800 \ufffe\uffff \x1b]0;title\x07 "
    "[bold]markup[/bold] &amp; \u202eevil [[ATTACHMENT|/etc/shadow]]"
)


def check(name: str = "usage-at-rest", measured: float = 0, kept: bool = True) -> Check:
    return Check(
        name=name,
        kept=kept,
        measured=measured,
        expected=0,
        tolerance=524288,
        unit="bytes",
        terms="2 CPUs x 64 pages of stock x 4096",
        says=f"usage at rest is {measured:.0f} bytes, expected 0 within 524288",
    )


LEAK = check(measured=2097152, kept=False)
BUG = Report(
    title="kernel BUG in mem_cgroup_charge",
    kind="bug",
    severity="fatal",
    function="mem_cgroup_charge",
    file="mm/memcontrol.c",
    line=264,
    offset=18200,
    stack=(
        Frame(function="try_charge", file="mm/memcontrol.c", line=264, inlined=True),
        Frame(function="mem_cgroup_charge", at=31, size=144, file="mm/memcontrol.c", line=301, exact=True),
        Frame(function="do_anonymous_page", at=16, size=512),
    ),
    text="kernel BUG at mm/memcontrol.c:264!\ninvalid opcode: 0000 [#1] SMP\nRIP: mem_cgroup_charge+0x1f",
)


def case(
    name: str, verdict: Verdict = Verdict.PASS, reason: str = "", cell: str = "base-v1", **more: object
) -> Case:
    fields: dict[str, object] = {
        "seconds": 15.25,
        "started": STARTED,
        "checks": (check(),),
        "facts": {"pages_touched": "812345", "forks": "412"},
        "samples": f"{cell}/{name}.jsonl",
        **more,
    }
    return Case(name=name, verdict=verdict, reason=reason or f"{name}: all checks kept", **fields)  # type: ignore[arg-type]


def cell(name: str, cases: tuple[Case, ...], verdict: Verdict = Verdict.PASS) -> Cell:
    kernel, _, iface = name.partition("-")
    return Cell(
        name=name,
        kernel=kernel,
        iface=iface,
        verdict=verdict,
        cases=cases,
        console=f"{name}/console.log",
        boots=1,
        boot_seconds=2.61,
    )


def run(cells: tuple[Cell, ...], verdict: Verdict = Verdict.PASS, reason: str = "", **more: object) -> Run:
    fields: dict[str, object] = {
        "run": "20261123-061500-default",
        "plan": "default",
        "started": STARTED,
        "finished": "2026-11-23T06:18:00+00:00",
        "seconds": 161.4,
        "tree": "linux-source-6.1 6.1.192",
        "tree_origin": "debian",
        "tree_fingerprint": "ab12cd34",
        "series": "memcg-checks",
        "patches": tuple(
            PatchLanding(number=number, subject=subject, status="applied", hunks=())
            for number, subject in enumerate(
                ("memcg: check charge", "memcg: charge twice", "memcg: check uncharge"), 1
            )
        ),
        "kernels": (
            KernelUsed(
                name="base", release="6.1.192", key="aa", cached=True, seconds=201, image="/c/aa/bzImage"
            ),
            KernelUsed(
                name="patched",
                release="6.1.192",
                key="bb",
                cached=False,
                seconds=42.3,
                image="/c/bb/bzImage",
                new_warnings=(
                    CompilerWarning(file="mm/memcontrol.c", message="unused variable 'x'", option="-Wunused"),
                ),
            ),
        ),
        "machine": {"accelerator": "tcg", "qemu": "7.2.22", "cores": "2", "host": "builder"},
        "commands": (
            Command(step="Build the base kernel", command="make -C '/t/linux 6.1' O=/c/o -j2 bzImage"),
            Command(
                step="Boot patched-v1",
                command="qemu-system-x86_64 -kernel /c/bb/bzImage -append 'console=ttyS0'",
            ),
        ),
        **more,
    }
    return Run(verdict=verdict, reason=reason or "all cases pass", cells=cells, **fields)  # type: ignore[arg-type]


def green() -> Run:
    names = ("base-v1", "patched-v1", "base-v2", "patched-v2")
    return run(tuple(cell(name, (case("anon", cell=name), case("file", cell=name))) for name in names))


def red() -> Run:
    """Every verdict once: drift, a BUG, broken, skip, infra, and one case that fails on the base too."""
    base1 = (
        case("anon"),
        case("file", Verdict.FAIL, "usage stays 2 MiB above 0", checks=(LEAK, check("stat-sums"))),
        case("shmem", Verdict.SKIP, "the kernel has no tmpfs", checks=(), samples="", seconds=0.0),
    )
    patched1 = (
        case(
            "anon",
            Verdict.FAIL,
            "kernel BUG in mem_cgroup_charge",
            "patched-v1",
            reports=(BUG,),
            checks=(LEAK,),
        ),
        case(
            "file",
            Verdict.FAIL,
            "usage stays 2 MiB above 0; the base fails here too",
            "patched-v1",
            checks=(LEAK,),
        ),
        case("shmem", Verdict.BROKEN, "worker 1 ended with exit code 127", "patched-v1"),
    )
    patched2 = (
        case("anon", cell="patched-v2"),
        case("file", Verdict.INFRA, "QEMU: cannot allocate memory", "patched-v2"),
    )
    return run(
        (
            cell("base-v1", base1, Verdict.FAIL),
            cell("patched-v1", patched1, Verdict.FAIL),
            cell("base-v2", (case("anon", cell="base-v2"),)),
            cell("patched-v2", patched2, Verdict.INFRA),
        ),
        Verdict.FAIL,
        "patched-v1 anon fails where the base passes",
        drift=(
            Drift(cell="patched-v1", case="anon", check=LEAK),
            Drift(cell="base-v2", case="anon", check=check("stat-sums", 500000)),
        ),
        reports=(BUG,),
        blames=(
            Blame(
                number=2,
                subject="memcg: charge twice",
                case="anon",
                cell="patched-v1",
                steps=(
                    BlameStep(
                        number=1,
                        subject="memcg: check charge",
                        verdict=Verdict.PASS,
                        reason="all checks kept",
                    ),
                    BlameStep(number=2, subject="memcg: charge twice", verdict=Verdict.FAIL, reason="BUG"),
                ),
            ),
        ),
    )


def unfinished() -> Run:
    """Killed after the first cell."""
    return run((cell("base-v1", (case("anon"),)),), Verdict.INFRA, "not finished", finished="", seconds=0.0)


def hostile() -> Run:
    """Every text that a kernel, a guest or a patch can choose is :data:`HOSTILE`, one of them 10 MB long."""
    report = Report(
        title=HOSTILE,
        kind=HOSTILE,
        severity="bad",
        file=HOSTILE,
        text=HOSTILE + "x" * 10_000_000,
        stack=(Frame(function=HOSTILE, file=HOSTILE, line=1),) * 100,
    )
    bad = case(
        "anon",
        Verdict.FAIL,
        HOSTILE,
        "patched-v1",
        reports=(report, *[BUG] * 11),
        facts={HOSTILE: HOSTILE},
        checks=(msgspec.structs.replace(LEAK, name=HOSTILE, unit=HOSTILE, terms=HOSTILE, says=HOSTILE),),
    )
    return run(
        (cell("patched-v1", (bad, case("file", Verdict.SKIP, HOSTILE, "patched-v1")), Verdict.FAIL),),
        Verdict.FAIL,
        HOSTILE,
        series=HOSTILE,
        reports=(report,),
        drift=(Drift(cell="patched-v1", case="anon", check=bad.checks[0]),),
        machine={"qemu": HOSTILE},
        commands=(Command(step=HOSTILE + "\nrm -rf /", command="true"),),
        kernels=(
            KernelUsed(
                name="patched",
                release=HOSTILE,
                key="bb",
                cached=False,
                seconds=1,
                image="",
                new_warnings=(CompilerWarning(file=HOSTILE, message=HOSTILE),),
            ),
        ),
        blames=(Blame(number=2, subject=HOSTILE, case="anon", cell="patched-v1", steps=()),),
    )
