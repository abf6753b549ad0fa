# SPDX-License-Identifier: GPL-2.0-only
"""The fault corpus, patches/faults/: what each patch plants, and what must be seen of it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from harness.console.table import shipped as shipped_reports
from harness.errors import UserError
from harness.memcg.interface import shipped as shipped_checks
from harness.paths import PATCHES
from harness.tables import load

DIRECTORY = PATCHES / "faults"
TABLE = "faults.yaml"
CONSOLE = "console: "
_ENDINGS = ("rebooted", "triple-fault", "powered-off", "console-lost")
OTHER_SIGNS = ("workload", "hang", *_ENDINGS, "boot", "build")
"""a worker was lied to; a case or rmdir never ended; how its guest ended without a report (console/endings);
the kernel does not come up; it does not compile"""


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A patch of the corpus."""

    name: str
    """NAME.patch lies beside the table"""
    what: str
    """what it changes, in a sentence"""


class Fault(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """It plants one defect."""

    kind: str = msgspec.field(name="class")
    seen: tuple[str, ...]
    """signs, of which any shows that it was caught as stated: a check of configs/memcg.yaml,
    ``console: KIND`` with a kind of configs/console.yaml, or one of :data:`OTHER_SIGNS`"""
    by: tuple[str, ...] = ()
    """the workloads that come by it"""
    ifaces: tuple[Literal["v1", "v2"], ...] = ("v1", "v2")
    profile: Literal["plain", "see"] = "plain"
    """the Kconfig profile without which it cannot be seen"""
    static: str = ""
    """the rule of ``harness analyze`` that finds it; ``unseen``: could be found, but none does; none: not
    a matter of the source alone"""


class Harmless(Row, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """It must pass."""

    why: str
    """why it does no harm"""


class Corpus(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it."""

    faults: tuple[Fault, ...]
    harmless: tuple[Harmless, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """Defects first."""
        return (*self.faults, *self.harmless)

    def only(self, names: Sequence[str], asked_by: str) -> Corpus:
        """The rows called *names*, all where there are none; UserError for a name that is not there."""
        known = [row.name for row in self.rows]
        for name in names:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                mend = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
                raise UserError(f"{asked_by}: no fault {name!r}; {mend}")
        return Corpus(
            faults=tuple(row for row in self.faults if not names or row.name in names),
            harmless=tuple(row for row in self.harmless if not names or row.name in names),
        )


def load_corpus(directory: Path = DIRECTORY) -> Corpus:
    """Read the table. UserError, naming it, for a missing patch, a name given twice, a sign of nothing."""
    table = directory / TABLE
    corpus = load(table, Corpus)
    names = [row.name for row in corpus.rows]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{table}: {name!r} is there twice; rename one")
        if not patch_of(directory, name).is_file():
            raise UserError(f"{table}: {name!r}: {patch_of(directory, name).name} is missing; add it")
    known = _signs()
    for fault in corpus.faults:
        strange = sorted(set(fault.seen) - known)
        if strange or not fault.seen:
            word = repr(strange[0]) if strange else "nothing"
            raise UserError(f"{table}: {fault.name!r}: seen: {word} is no sign; see the head of the file")
    return corpus


def patch_of(directory: Path, name: str) -> Path:
    """The file of the row *name*."""
    return directory / f"{name}.patch"


def _signs() -> frozenset[str]:
    checks = {rule.name for rule in shipped_checks().checks}
    kinds = {f"{CONSOLE}{row.kind}" for row in shipped_reports().table.rows}
    return frozenset(checks | kinds | set(OTHER_SIGNS))
