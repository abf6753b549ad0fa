# SPDX-License-Identifier: GPL-2.0-only
"""``history.sqlite``: what every case of every night came to.

The version of its tables is in ``user_version``; an older one is brought up step by step when it is opened, a
newer one is refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from harness.errors import InfraError, UserError
from harness.pipeline.night_model import CaseName, Entry, Judged, Night, Outcome
from harness.pipeline.standing import Seen, first_failures
from harness.verdict import Verdict

NAME = "history.sqlite"
_BUSY = 30.0
_STEPS = (
    """
    CREATE TABLE nights (
        id INTEGER PRIMARY KEY,
        night TEXT NOT NULL UNIQUE,
        plan TEXT NOT NULL,
        started TEXT NOT NULL,
        finished TEXT NOT NULL DEFAULT '',
        verdict TEXT NOT NULL DEFAULT '',
        reason TEXT NOT NULL DEFAULT ''
    );
    CREATE TABLE entries (
        id INTEGER PRIMARY KEY,
        night INTEGER NOT NULL REFERENCES nights ON DELETE CASCADE,
        entry TEXT NOT NULL,
        directory TEXT NOT NULL,
        verdict TEXT NOT NULL,
        reason TEXT NOT NULL,
        seconds REAL NOT NULL,
        run TEXT NOT NULL,
        tree_revision TEXT NOT NULL,
        tree_fingerprint TEXT NOT NULL,
        series_digest TEXT NOT NULL,
        plan_digest TEXT NOT NULL,
        UNIQUE (night, entry)
    );
    CREATE TABLE cases (
        entry INTEGER NOT NULL REFERENCES entries ON DELETE CASCADE,
        tree TEXT NOT NULL,
        series TEXT NOT NULL,
        plan TEXT NOT NULL,
        kconfig TEXT NOT NULL,
        kernel TEXT NOT NULL,
        iface TEXT NOT NULL,
        workload TEXT NOT NULL,
        verdict TEXT NOT NULL,
        reason TEXT NOT NULL
    );
    CREATE INDEX cases_by_name ON cases (tree, series, plan, kconfig, kernel, iface, workload);
    CREATE INDEX cases_by_entry ON cases (entry);
    """,
)
_CASE = "tree, series, plan, kconfig, kernel, iface, workload"
_SEEN = f"""
    SELECT {", ".join(f"cases.{name.strip()}" for name in _CASE.split(","))}, nights.night, cases.verdict,
           cases.reason, entries.run, entries.directory, tree_revision, tree_fingerprint, series_digest,
           plan_digest
    FROM cases JOIN entries ON cases.entry = entries.id JOIN nights ON entries.night = nights.id
"""  # noqa: S608 -- of constants
_NAMED = " AND ".join(f"cases.{name.strip()} = ?" for name in _CASE.split(","))
_NAMES = len(_CASE.split(","))


class History:
    """An open history. Not to be shared between threads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def begin(self, night: Night) -> None:
        """Know *night*, which is new or goes on."""
        with _whole(self._connection):
            self._connection.execute(
                "INSERT INTO nights (night, plan, started) VALUES (?, ?, ?) ON CONFLICT (night) DO NOTHING",
                (night.run, night.name, night.started),
            )

    def end(self, night: Night) -> None:
        """Know what *night* came to."""
        with _whole(self._connection):
            self._connection.execute(
                "UPDATE nights SET finished = ?, verdict = ?, reason = ? WHERE night = ?",
                (night.finished, night.verdict.value, night.reason, night.run),
            )

    def record(
        self, night: str, entry: Entry, outcome: Outcome, plan_digest: str, cases: Sequence[Judged]
    ) -> None:
        """Keep what *entry* came to, in place of what *night* may have of it already; all or nothing."""
        with _whole(self._connection):
            (number,) = self._connection.execute("SELECT id FROM nights WHERE night = ?", (night,)).fetchone()
            self._connection.execute(
                "DELETE FROM entries WHERE night = ? AND entry = ?", (number, outcome.entry)
            )
            row = (
                number,
                outcome.entry,
                entry.directory,
                outcome.verdict.value,
                outcome.reason,
                outcome.seconds,
                outcome.run,
                outcome.tree_revision,
                outcome.tree_fingerprint,
                outcome.series_digest,
                plan_digest,
            )
            made = self._connection.execute(
                "INSERT INTO entries (night, entry, directory, verdict, reason, seconds, run, tree_revision,"
                " tree_fingerprint, series_digest, plan_digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            self._connection.executemany(
                "INSERT INTO cases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(made.lastrowid, *_key(one.case), one.verdict.value, one.reason) for one in cases],
            )

    def seconds(self) -> Mapping[str, float]:
        """How long each entry took when it was last run, by its name."""
        rows = self._connection.execute(
            "SELECT entry, seconds FROM entries WHERE verdict IN ('pass', 'fail') ORDER BY night"
        )
        return dict(rows.fetchall())

    def seen(self, case: CaseName) -> tuple[Seen, ...]:
        """*case* in each night that had it, oldest first."""
        rows = self._connection.execute(f"{_SEEN} WHERE {_NAMED} ORDER BY nights.id", _key(case))
        return tuple(_seen(row) for row in rows)

    def cases(self) -> Iterator[tuple[CaseName, tuple[Seen, ...]]]:
        """Every case with its nights, oldest first."""
        names = ", ".join(f"cases.{name.strip()}" for name in _CASE.split(","))
        rows = self._connection.execute(f"{_SEEN} ORDER BY {names}, nights.id")
        for key, some in groupby(rows, key=lambda row: row[:_NAMES]):
            yield CaseName(**dict(zip(CaseName.__struct_fields__, key, strict=True))), tuple(map(_seen, some))

    def held(self, window: int) -> frozenset[tuple[str, str]]:
        """Night and entry directory of everything's first failure, and of each last one's beginning."""
        return frozenset(
            (one.night, one.entry) for _case, seen in self.cases() for one in first_failures(seen, window)
        )

    def nights(self) -> tuple[dict[str, str], ...]:
        """``night``, ``plan``, ``started``, ``finished``, ``verdict``, ``reason`` of each, oldest first."""
        names = ("night", "plan", "started", "finished", "verdict", "reason")
        rows = self._connection.execute(f"SELECT {', '.join(names)} FROM nights ORDER BY id")  # noqa: S608
        return tuple(dict(zip(names, row, strict=True)) for row in rows)


@contextmanager
def open_history(results: Path, *, new: bool) -> Iterator[History]:
    """The history of the directory *results*; made if there is none and *new* says so.

    UserError, one line, where there is none, or it is damaged or of a newer version; InfraError when it is
    in use or cannot be written.
    """
    path = results / NAME
    if not new and not path.is_file():
        raise UserError(f"{path}: no history yet; `harness nightly PLAN` makes it")
    try:
        connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            _bring_up(connection, path)
            yield History(connection)
        finally:
            connection.close()
    except sqlite3.OperationalError as error:
        raise InfraError(f"{path}: cannot be used: {error}") from error
    except sqlite3.DatabaseError as error:
        raise UserError(f"{path}: damaged: {error}; move it away, and history begins anew") from error


def _bring_up(connection: sqlite3.Connection, path: Path) -> None:
    """Go from the version of the tables to ours, a step a transaction."""
    while _version(connection) < len(_STEPS):
        with _whole(connection):
            version = _version(connection)  # another may have been quicker
            if version < len(_STEPS):
                for statement in (*_STEPS[version].split(";"), f"PRAGMA user_version = {version + 1}"):
                    connection.execute(statement)
    version = _version(connection)
    if version > len(_STEPS):
        raise UserError(f"{path}: of version {version}; this harness knows up to {len(_STEPS)}: update it")


@contextmanager
def _whole(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction: all of it, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _key(case: CaseName) -> tuple[str, ...]:
    return (case.tree, case.series, case.plan, case.kconfig, case.kernel, case.iface, case.workload)


def _seen(row: tuple[str, ...]) -> Seen:
    night, verdict, reason, run, entry, revision, fingerprint, series, plan = row[_NAMES:]
    return Seen(
        night=night,
        verdict=Verdict(verdict),
        reason=reason,
        run=run,
        entry=entry,
        tree_revision=revision,
        tree_fingerprint=fingerprint,
        series_digest=series,
        plan_digest=plan,
    )
