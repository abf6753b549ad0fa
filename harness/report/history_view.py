# SPDX-License-Identifier: GPL-2.0-only
"""What ``harness history`` says: the last night, every case that ever failed, or one case night by night."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.errors import UserError
from harness.pipeline.night_model import CaseName, Change
from harness.pipeline.night_sum import TOLD
from harness.pipeline.standing import Seen, Stand, stand
from harness.report.history import History
from harness.report.night import change_answer, changes_table, stand_answer
from harness.report.plaintext import encodable, line
from harness.report.terminal import verdict_text
from harness.verdict import Verdict


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A case, all its nights, and where it stands."""

    case: CaseName
    seen: tuple[Seen, ...]
    stand: Stand

    @property
    def failed(self) -> bool:
        """It failed in some night."""
        return any(one.verdict is Verdict.FAIL for one in self.seen)


def records(history: History, window: int, part: str) -> tuple[Record, ...]:
    """The cases whose names have *part* in them, "" for all; UserError where none has."""
    found = tuple(
        Record(case=case, seen=seen, stand=stand(seen, window))
        for case, seen in history.cases()
        if part in str(case)
    )
    if part and not found:
        raise UserError(f"--case {part}: no case of history has that in its name; see `harness history`")
    return found


def changed(history: History, known: tuple[Record, ...]) -> tuple[Change, ...]:
    """Those of *known* that the last night did not just pass, gravest first."""
    nights = history.nights()
    last = nights[-1]["night"] if nights else ""
    some = [one for one in known if one.seen[-1].night == last and one.stand.standing in TOLD]
    some.sort(key=lambda one: TOLD.index(one.stand.standing))
    return tuple(
        Change(case=one.case, verdict=one.seen[-1].verdict, reason=one.seen[-1].reason, stand=one.stand)
        for one in some
    )


def history_answer(history: History, known: tuple[Record, ...]) -> dict[str, Any]:
    """``nights``, oldest first; ``changed`` in the last one; ``cases``, each with its nights."""
    answer = {
        "nights": history.nights(),
        "changed": [change_answer(change) for change in changed(history, known)],
        "cases": [
            {
                "case": str(one.case),
                **msgspec.to_builtins(one.case),
                **stand_answer(one.stand),
                "seen": msgspec.to_builtins(one.seen),
            }
            for one in known
        ],
    }
    safe: dict[str, Any] = encodable(answer)
    return safe


def render_history(history: History, known: tuple[Record, ...], one_by_one: bool, console: Console) -> None:
    """What changed in the last night, and the cases that ever failed; *one_by_one*, each case's nights."""
    nights = history.nights()
    if not nights:
        console.print("no night yet")
        return
    last = nights[-1]
    ended = verdict_text(Verdict(last["verdict"])) if last["verdict"] else Text("NOT ENDED")
    console.print(Text.assemble(ended, f"  {line(last['night'])}: {line(last['reason'])}"))
    changes = changed(history, known)
    console.print(changes_table(changes) if changes else Text("nothing fails, or began to pass, in it"))
    if one_by_one:
        for record in known:
            console.print()
            console.print(Text(line(str(record.case)), style="bold"))
            console.print(_nights(record))
        return
    before = tuple(
        Change(case=one.case, verdict=one.seen[-1].verdict, reason="", stand=one.stand)
        for one in known
        if one.failed and not any(one.case == change.case for change in changes)
    )
    if before:
        console.print()
        console.print(Text("Failed in nights before", style="bold"))
        console.print(changes_table(before))
    console.print(Text(f"{len(nights)} nights, {len(known)} cases", style="dim"))


def _nights(record: Record) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "night", "tree", "series", "why"):
        table.add_column(name, overflow="fold")
    for one in record.seen:
        words = (one.night, (one.tree_revision or one.tree_fingerprint)[:12], one.series_digest, one.reason)
        table.add_row(verdict_text(one.verdict), *(Text(line(word)) for word in words))
    return table
