# SPDX-License-Identifier: GPL-2.0-only
"""A kernel tree, and a series put on it, as values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from harness.series.model import Patch
from harness.series.repair import Repair

Overlay = Mapping[str, bytes | None]
"""Contents of files that differ from the tree as given, by path; None where the file is gone."""


class Version(msgspec.Struct, frozen=True, order=True):
    """A kernel version as its top Makefile has it; ordered as kernels are (rc before release)."""

    major: int
    minor: int
    patch: int
    """PATCHLEVEL's follower: for 2.6.27 this is (2, 6, 27); for 6.1.192 it is (6, 1, 192)"""
    rc: int = 1 << 16
    """the n of -rcn; 65536 for a release, so that it sorts after its candidates"""
    text: str = ""
    """as the tree writes it, e.g. ``2.6.27-rc3``; takes no part in comparisons by range"""

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Without its -rc: a candidate counts as its release."""
        return (self.major, self.minor, self.patch)


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """A kernel tree that was found, identified and made available in private at a stable path."""

    name: str
    """short, stable and fit for a path, e.g. ``linux-source-6.1``"""
    version: Version
    origin: str
    """what the user gave: a path, ``REPOSITORY@REVISION``, an address or ``debian``"""
    kind: str
    """``directory``, ``git``, ``commit`` or ``tarball``"""
    fingerprint: str
    """hex; the same when the contents are the same: a tarball's SHA-256, a commit's tree, or of all files"""
    revision: str = ""
    """git's id of the commit, where it is one"""
    source: Path
    """the private copy's sources: the only place that is ever written to"""


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """A region in which the file and the patch both differ from what the patch was made from.

    The lines are escaped, each without its line end, and bounded in number and length.
    """

    line: int
    """1-based, in the file before the patch: the first of ``ours``, or what follows where there is none"""
    count: int
    """how many lines of the file it covers"""
    ours: tuple[str, ...]
    """as the file has them"""
    base: tuple[str, ...]
    """as the patch expected them"""
    theirs: tuple[str, ...]
    """as the patch wants them"""


class HunkLanding(msgspec.Struct, frozen=True, kw_only=True):
    """Where one hunk went."""

    file: str
    hunk: int
    """1-based within its file and patch"""
    status: str
    """``clean``, ``offset``, ``fuzz``, ``merged``, ``repaired``, ``conflict`` or ``rejected``.

    ``merged``: the file differs from the patch's context, three-way merge put both together;
    ``conflict``: it could not, and the hunk did not go on; ``repaired``: white space that was lost
    was found again, and the hunk is where it says or at an offset."""
    offset: int = 0
    """lines between where the patch says and where it went"""
    fuzz: int = 0
    """context lines at the hunk's ends that are others in the file"""
    guessed: int = 0
    """lines whose white space is a guess, in a patch that was damaged"""
    reason: str = ""
    """why not, or what was done; one line, escaped and bounded"""
    candidates: tuple[int, ...] = ()
    """1-based lines at which it could also be, when that is why it was refused"""
    line: int = 0
    """1-based line, in the file before the patch, of the hunk's first line where it went; 0 if it did not"""
    conflicts: tuple[Conflict, ...] = ()
    """not empty where the status is ``conflict``"""


class PatchLanding(msgspec.Struct, frozen=True, kw_only=True):
    """How one patch went on: ``applied``, ``conflict`` or ``rejected``."""

    number: int
    subject: str
    status: str
    hunks: tuple[HunkLanding, ...]
    provisional: bool = False
    """it was tried on a result that is not the series': the patch's side of an earlier conflict was taken,
    or an earlier hunk was left out"""


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """A series put on a tree: all of it, or nothing."""

    landings: tuple[PatchLanding, ...]
    prefixes: tuple[Overlay, ...]
    """``prefixes[k]`` is the tree with the first k patches on; ``prefixes[0]`` is empty. It ends before the
    first patch that did not go on whole."""
    patches: tuple[Patch, ...] = ()
    """the patches as they went on: damaged ones repaired"""
    repairs: tuple[Repair | None, ...] = ()
    """for each patch how its white space was found again; None where nothing was lost"""

    tried: tuple[Overlay, ...] = ()
    """as ``prefixes``, but to the end of the series also behind a patch that did not go on whole: with the
    patch's side of conflicts and without rejected hunks. To be looked at, never to be built"""

    @property
    def whole(self) -> bool:
        """True when every patch went on, without conflicts."""
        return all(landing.status == "applied" for landing in self.landings)
