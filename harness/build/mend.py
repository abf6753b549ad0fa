# SPDX-License-Identifier: GPL-2.0-only
"""Makes an old tree fit for new tools: which flags and line edits it needs, and the edits made.

Knows nothing of patches: it is given the files as they are to be built, and gives them back edited.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec.structs import replace

from harness.build.mend_table import Compiler, Covered, Edit, Flag, MendTable, line_of, load_mends
from harness.build.toolchain import Toolchain
from harness.errors import UserError
from harness.span import Numbers, covers, words
from harness.tree.model import Overlay, Version

_FORCE = "--force tries anyway"


class Mended(msgspec.Struct, frozen=True, kw_only=True):
    """One edit of ours that a kernel was built with."""

    name: str
    file: str
    times: int
    why: str


class Mending(msgspec.Struct, frozen=True, kw_only=True):
    """What one tree needs of one set of tools; nothing at all, where ``flags`` and ``edits`` are empty."""

    table: Path
    flags: tuple[Flag, ...] = ()
    edits: tuple[Edit, ...] = ()
    lenient: bool = False
    """an edit that does not match is left out, not refused: the user said --force"""
    notes: tuple[str, ...] = ()
    """what was forced, one line each"""

    def dress(self, toolchain: Toolchain) -> Toolchain:
        """*toolchain* with the flags on."""
        return replace(
            toolchain,
            cc_flags=tuple(flag.word for flag in self.flags if flag.to == "cc"),
            host_flags=tuple(flag.word for flag in self.flags if flag.to == "hostcc"),
        )

    def lay(
        self, overlay: Overlay, read: Callable[[str], bytes | None], origin: str
    ) -> tuple[Overlay, tuple[Mended, ...]]:
        """*overlay* with the edits made on top of it, and the edits.

        *read* gives a file of the tree as it was given. UserError names the table's row for an edit
        whose pattern is not found as often as it must be.
        """
        edited = dict(overlay)
        made = []
        for edit in self.edits:
            text = edited[edit.file] if edit.file in edited else read(edit.file)
            done, times = _made(edit, text)
            if times == edit.times:
                edited[edit.file] = done
                made.append(Mended(name=edit.name, file=edit.file, times=times, why=edit.why))
            elif not self.lenient:
                raise UserError(
                    f"{line_of(self.table, edit)}: edit {edit.name!r}: its pattern is found {times} times in "
                    f"{edit.file} of {origin}, {edit.times} expected; mend the row, or {_FORCE}"
                )
        return edited, tuple(made)


def mending_for(version: Version, toolchain: Toolchain, table: Path, *, force: bool) -> Mending:
    """What a tree of *version* needs to be built with *toolchain*.

    UserError for a version or a compiler that the table does not cover, naming what it does; with
    *force* the rows of the nearest range are taken and a note says so.
    """
    rows = load_mends(table)
    own: Numbers = version.numbers
    notes = []
    covered = next((row for row in rows.covered if covers(own, row.first, row.until)), None)
    if covered is None:
        said = f"Linux {version.text} is not among the versions that are known to build: {_known(rows)}"
        if not force:
            raise UserError(f"{table}: {said}; {_FORCE}")
        covered = _nearest(rows, own)
        notes.append(f"{said}; taken as {words(covered.first, covered.until)} (--force)")
        own = _inside(covered, own)
    if covered.compilers and not any(_is(compiler, toolchain) for compiler in covered.compilers):
        given = f"{toolchain.family} {'.'.join(map(str, toolchain.tools[toolchain.family]))}"
        known = ", ".join(_name(one) for one in covered.compilers)
        said = f"no row covers {given} for Linux {version.text}; known: {known}"
        if not force:
            raise UserError(f"{table}: {said}; name another under toolchain, cc in the plan, or {_FORCE}")
        notes.append(f"{said} (--force)")
    return Mending(
        table=table,
        flags=tuple(row for row in rows.flags if _needed(row, own, toolchain)),
        edits=tuple(row for row in rows.edits if _needed(row, own, toolchain)),
        lenient=force,
        notes=tuple(notes),
    )


def _made(edit: Edit, data: bytes | None) -> tuple[bytes | None, int]:
    """*data* with *edit* made, and how often its pattern was found. Kernel files are not all UTF-8."""
    if data is None:
        return None, 0
    text, times = re.subn(edit.pattern, edit.replacement, data.decode("latin-1"), flags=re.MULTILINE)
    return text.encode("latin-1"), times


def _needed(row: Flag | Edit, own: Numbers, toolchain: Toolchain) -> bool:
    tool = toolchain.tools.get(row.tool)
    return tool is not None and covers(own, row.first, row.until) and covers(tool, row.since, "")


def _is(compiler: Compiler, toolchain: Toolchain) -> bool:
    own = toolchain.tools[toolchain.family]
    return compiler.name == toolchain.family and covers(own, compiler.first, compiler.until)


def _known(rows: MendTable) -> str:
    return ", ".join(words(row.first, row.until) for row in rows.covered)


def _name(compiler: Compiler) -> str:
    return f"{compiler.name} {words(compiler.first, compiler.until)}"


def _inside(covered: Covered, own: Numbers) -> Numbers:
    """The version of *covered* that is next to *own*."""
    first = tuple(map(int, covered.first.split(".")))
    return first if own < first else tuple(map(int, covered.until.split(".")))


def _nearest(rows: MendTable, own: Numbers) -> Covered:
    """The range that begins last before *own*: a tree has what was before it. Else the first."""
    before = [row for row in rows.covered if tuple(map(int, row.first.split("."))) <= own]
    return (before or list(rows.covered[:1]))[-1]
