# SPDX-License-Identifier: GPL-2.0-only
"""Analyses as harness.analysis gives them, for the tests of harness/report."""

from __future__ import annotations

import msgspec

from harness.analysis.model import (
    Analysis,
    Assertion,
    CallChange,
    Finding,
    FunctionChange,
    Reach,
    Related,
    StructureChange,
)
from harness.series.model import Patch, Series
from tests.unit.report_sample import HOSTILE

FILE = "mm/memcontrol.c"
UNBALANCED = Finding(
    rule="unbalanced-section",
    severity="error",
    patch=2,
    file=FILE,
    line=120,
    function="mem_cgroup_cache_charge",
    message="returns with rcu_read_lock() held",
    why="An RCU section that never ends holds up every grace period.",
    source="\t\treturn 0;",
    surroundings=(
        "\t\tpc = get(page);",
        "",
        "\tif (pc) {",
        "\t\treturn 0;",
        "\t}",
        "",
        "\trcu_read_unlock();",
    ),
    related=(
        Related(file=FILE, line=116, text="rcu_read_lock() is taken here"),
        Related(file=FILE, line=119, text="pc is not NULL"),
    ),
    tools=("harness", "sparse"),
    fingerprint="0123abcd",
)
IMPLICIT = Finding(
    rule="plain-integer-pointer",
    severity="warning",
    patch=2,
    file="include/linux/page cgroup.h",
    line=2,
    function="",
    message="0 where a pointer is meant",
    why="Often what a change of type has left behind.",
    source="page->pc = 0;",
    surroundings=("first line", "page->pc = 0;", "third line"),
    fingerprint="4567",
)
UNSIGNED = Finding(
    rule="checkpatch/MISSING_SIGN_OFF",
    severity="note",
    patch=1,
    file="",
    line=0,
    function="",
    message="Missing Signed-off-by: line(s)",
    why="The form of patches.",
    tools=("checkpatch",),
    fingerprint="89ab",
)


def series(*subjects: str) -> Series:
    named = subjects or ("memcg: flags", "memcg: lockless page_cgroup")
    patches = tuple(
        Patch(
            number=number,
            total=len(named),
            subject=subject,
            author="A <a@example.org>",
            message_id="",
            diff=b"",
            files=(),
            origin="",
        )
        for number, subject in enumerate(named, 1)
    )
    return Series(name="lockless", version=1, patches=patches)


def analysis() -> Analysis:
    """One of everything."""
    return Analysis(
        findings=(UNSIGNED, UNBALANCED, IMPLICIT),
        functions=(
            FunctionChange(
                patch=2,
                file=FILE,
                name="mem_cgroup_cache_charge",
                change="changed",
                line=100,
                guards=("CONFIG_CGROUP_MEM_RES_CTLR",),
            ),
        ),
        structures=(
            StructureChange(
                patch=1,
                file=FILE,
                name="struct page_cgroup",
                change="changed",
                line=30,
                fields_added=("flags",),
                fields_removed=("ref_cnt",),
                fields_changed=("lru",),
            ),
        ),
        assertions_added=(
            Assertion(patch=1, file=FILE, function="f", line=40, kind="VM_BUG_ON", condition="!pc"),
        ),
        assertions_removed=(
            Assertion(patch=2, file=FILE, function="g", line=50, kind="BUG_ON", condition="page->flags"),
        ),
        calls=(
            CallChange(
                patch=2,
                file=FILE,
                function="f",
                line=60,
                topic="rcu",
                call="rcu_read_lock()",
                change="moved",
                moved_from="g",
            ),
        ),
        guards=("CONFIG_CGROUP_MEM_RES_CTLR",),
        workloads=(
            Reach(workload="shm", because="mem_cgroup_cache_charge ← new tmpfs page", functions=("f",)),
        ),
        unreached=("mem_cgroup_destroy",),
        unparsed=(f"{FILE}:700",),
        tools=("checkpatch: 0.32, 1 new finding", "sparse: not used: not installed"),
    )


def hostile_analysis() -> Analysis:
    """Every text that a patch can choose is hostile, one of them long."""
    step = Related(file=HOSTILE, line=1, text=HOSTILE)
    bad = msgspec.structs.replace(
        UNBALANCED,
        rule=HOSTILE,
        file=f"mm/{HOSTILE}.c",
        function=HOSTILE,
        message=HOSTILE + "x" * 1_000_000,
        why=HOSTILE,
        source=HOSTILE,
        surroundings=(HOSTILE,) * 7,
        related=(step,) * 300,
    )
    return msgspec.structs.replace(
        analysis(),
        findings=(bad,) * 4,
        guards=(HOSTILE,) * 100,
        unparsed=(HOSTILE,) * 1000,
        tools=(HOSTILE,),
        workloads=(Reach(workload=HOSTILE, because=HOSTILE, functions=()),),
    )
