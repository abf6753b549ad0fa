# SPDX-License-Identifier: GPL-2.0-only
"""A kernel configuration: asked of the tree's own Kconfig, and checked before anything is built."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from harness.build.dependencies import explain
from harness.build.make import Make
from harness.build.profile import Profile, Wanted
from harness.build.toolchain import Toolchain
from harness.deadline import Deadline
from harness.errors import UserError
from harness.events import Listener, Note, task
from harness.files import write_whole
from harness.tree.model import Tree

_LINE = re.compile(r"(?:CONFIG_(\w+)=(.*)|# CONFIG_(\w+) is not set)")
# Kconfig before 3.7 asks for each symbol that is new; an empty line takes the default.
_DEFAULTS = b"\n" * 10000
_NAMED = 4


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """A complete .config."""

    text: str
    notes: tuple[str, ...] = ()
    """what was wanted, not needed, and lost: one line each"""

    def values(self) -> dict[str, str]:
        """Every symbol that it names, ``n`` for those not set."""
        return parse(self.text)

    def enabled(self) -> int:
        """How many symbols are ``y``."""
        return sum(value == "y" for value in self.values().values())


def parse(text: str) -> dict[str, str]:
    """The symbols of a .config *text*; strings keep their quotes."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match:
            values[match.group(1) or match.group(3)] = match.group(2) if match.group(1) else "n"
    return values


def configure(
    tree: Tree,
    build_dir: Path,
    profile: Profile,
    toolchain: Toolchain,
    *,
    listener: Listener,
    deadline: Deadline,
    log: Path,
) -> Config:
    """The configuration that *profile* gives on the sources as they are now in ``tree.source``.

    Starts from tinyconfig (allnoconfig where there is none), puts the profile's symbols on top
    and lets Kconfig complete it; ``.config`` of *build_dir* is not touched (see install()).
    UserError naming each needed symbol that was lost, and what it depends on.
    """
    wanted = profile.wanted(tree.version)
    make = Make(tree.source, build_dir / ".harness" / "kconfig", toolchain, log, deadline)
    with task(listener, "configure", f"configure {tree.name}, profile {profile.name}") as current:
        text = _complete(make, wanted)
        values = parse(text)
        lost = [one for one in wanted if values.get(one.row.name, "n") != one.row.expected()]
        needed = [one for one in lost if one.row.needed]
        if needed:
            raise UserError(_refusal(tree, needed, values))
        notes = tuple(
            f"{tree.name}: {one.row.name} is {values.get(one.row.name, 'n')}, wanted {one.row.expected()}"
            for one in lost
        )
        current.outcome = f"{len(wanted)} symbols checked, {len(lost)} of the optional ones lost"
    for note in notes:
        listener(Note(note))
    return Config(text=text, notes=notes)


def install(config: Config, build_dir: Path) -> None:
    """Make *config* the .config of *build_dir*; one that is the same keeps its time, so make is idle."""
    path = build_dir / ".config"
    if not path.exists() or path.read_text(encoding="utf-8") != config.text:
        write_whole(path, config.text)


def _complete(make: Make, wanted: Iterable[Wanted]) -> str:
    """Our lines, completed by the tree's Kconfig, in an output directory of their own.

    Naming another file by KCONFIG_CONFIG will not do: tinyconfig of 6.1 then ends with every
    default on (its second step, merge_config.sh, starts from a .config that is not there).
    """
    make.build_dir.mkdir(parents=True, exist_ok=True)
    config = make.build_dir / ".config"
    config.unlink(missing_ok=True)
    targets = (make.source / "scripts/kconfig/Makefile").read_text(encoding="utf-8", errors="replace")
    _run(make, "tinyconfig" if "tinyconfig" in targets else "allnoconfig")
    lines = {one.row.name: one.row.line() for one in wanted}
    write_whole(config, _put(config.read_text(encoding="utf-8"), lines))
    if "olddefconfig" in targets:
        _run(make, "olddefconfig")
    else:
        _run(make, "oldconfig", _DEFAULTS)
    return config.read_text(encoding="utf-8")


def _run(make: Make, target: str, stdin: bytes | None = None) -> None:
    done = make.run(target, stdin=stdin)
    if done.exit != 0:
        raise UserError(f"{make.source}: make {target} failed: {done.last_lines(3)} (log: {make.log})")


def _put(text: str, lines: Mapping[str, str]) -> str:
    """*text* with every line of a symbol in *lines* replaced by ours, ours at the end."""
    kept = []
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is None or (match.group(1) or match.group(3)) not in lines:
            kept.append(line)
    return "\n".join([*kept, *lines.values(), ""])


def _refusal(tree: Tree, lost: list[Wanted], values: Mapping[str, str]) -> str:
    said = [
        f"{one.where()}: {one.row.name}={one.row.expected()} is lost in {tree.name} {tree.version.text} "
        f"(it is {values.get(one.row.name, 'n')}): {explain(tree.source, one.row.name, values)}"
        for one in lost[:_NAMED]
    ]
    more = [f"and {len(lost) - _NAMED} more"] if len(lost) > _NAMED else []
    return "; ".join([*said, *more])
