# SPDX-License-Identifier: GPL-2.0-only
"""A kernel tree from whatever the user names, in private at a stable path; the user's is only read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from harness.address import TARBALLS, Address, file_address, is_address, shown
from harness.deadline import Deadline
from harness.download import download, forget
from harness.errors import InfraError, UserError
from harness.events import Listener, Note
from harness.files import locked, make_directory
from harness.tree.commit import check_out, split_commit
from harness.tree.debian import USR_SRC, newest_source
from harness.tree.fetch import fetch
from harness.tree.identify import identify
from harness.tree.listing import list_directory, list_git
from harness.tree.mirror import mirror
from harness.tree.model import Tree
from harness.tree.place import LOCK, SOURCE, next_stamp, sweep
from harness.tree.record import Record
from harness.tree.unpack import unpack
from harness.tree.workcopy import restore

_UNFIT = re.compile(r"[^A-Za-z0-9._+-]+")
_GIVE = "give a kernel directory, a git work tree, REPOSITORY@COMMIT, a tarball, an address, or 'debian'"
_LARGEST = 2 << 30
"""bytes of a tarball; linux-6.12.tar has 1.5 GB"""


class _Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What the user named, found."""

    spec: str
    path: Path
    kind: str
    revision: str = ""
    address: Address | None = None
    """where it was fetched from, if it is a file from elsewhere"""

    @property
    def called(self) -> str:
        """As errors name it."""
        if self.address is not None:
            return shown(self.address.url)
        return str(self.path) if self.spec == "debian" else self.spec

    @property
    def place(self) -> str:
        """What the private copy belongs to."""
        if self.address is not None and not self.address.local:
            return self.address.url
        # all commits of a repository share one copy: git brings it from one to the other
        return f"{self.path}@" if self.kind == "commit" else str(self.path)

    @property
    def name(self) -> str:
        """Short and fit for a path; a tarball's without its suffixes."""
        name = self.path.name
        for suffix in TARBALLS if self.kind == "tarball" else ():
            name = name.removesuffix(suffix)
        return _UNFIT.sub("-", name).strip("-.")[:64] or "tree"


@contextmanager
def open_tree(spec: str, *, cache: Path, listener: Listener, deadline: Deadline) -> Iterator[Tree]:
    """The tree that *spec* names, copied to ``cache/trees/NAME-HASH/src`` or brought up to date there.

    *spec* is a kernel directory (also one that was built in place), a git work tree (as it lies, with
    what is not committed), ``REPOSITORY@REVISION``, ``URL@BRANCH``, a tarball or its address
    (harness.address), or ``debian``. The copy is as given when the block begins, and nobody else's until it
    ends. Raises UserError for what is no kernel tree, InfraError and DeadlineExpired for the machine's part,
    also when another run does not let go in time.
    """
    origin = _fetched(spec, cache, listener, deadline) if is_address(spec) else _find(spec, deadline)
    if origin.kind in ("directory", "git"):
        identify(origin.path, spec)
        if cache.resolve().is_relative_to(origin.path):
            raise UserError(f"{cache}: the cache lies inside the tree {spec}; point XDG_CACHE_HOME elsewhere")
    digest = hashlib.sha256(origin.place.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    home = make_directory(cache / "trees" / f"{origin.name}-{digest}", "the cache of kernel trees")
    with _alone(home, origin, listener, deadline):
        tree = _fresh(origin, home, listener, deadline)
        try:
            yield tree
        finally:
            next_stamp(home)  # builds of this block are not later than this


def _fetched(spec: str, cache: Path, listener: Listener, deadline: Deadline) -> _Origin:
    address = file_address(spec, TARBALLS)
    if address is not None:
        path = download(address, cache=cache, limit=_LARGEST, listener=listener, deadline=deadline)
        return _Origin(spec=spec, path=path.resolve(), kind="tarball", address=address)
    repository, commit = fetch(spec, cache=cache, listener=listener, deadline=deadline)
    return _Origin(spec=spec, path=repository.resolve(), kind="commit", revision=commit)


def _find(spec: str, deadline: Deadline) -> _Origin:
    if spec == "debian":
        return _Origin(spec=spec, path=newest_source(USR_SRC, deadline), kind="tarball")
    commit = split_commit(spec)
    if commit is not None:
        return _Origin(spec=spec, path=commit[0].resolve(), kind="commit", revision=commit[1])
    path = Path(spec).expanduser()
    try:
        path = path.resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{spec}: no such tree; {_GIVE}") from None
    except (OSError, RuntimeError) as error:
        raise UserError(f"{spec}: cannot be read: {error}; {_GIVE}") from error
    if path.is_dir():
        return _Origin(spec=spec, path=path, kind="git" if (path / ".git").exists() else "directory")
    if path.is_file() and path.name.endswith(TARBALLS):
        return _Origin(spec=spec, path=path, kind="tarball")
    raise UserError(f"{spec}: not a kernel tree: neither a directory nor a .tar[.gz|.xz|.bz2|.zst]; {_GIVE}")


@contextmanager
def _alone(home: Path, origin: _Origin, listener: Listener, deadline: Deadline) -> Iterator[None]:
    """Hold the copy's lock; say so when that means to wait."""
    purpose = f"the copy of {origin.spec}"
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(home / LOCK, Deadline.after(0.0), purpose))
        except InfraError:
            listener(Note(f"waiting: {purpose} is in use by another run ({home / LOCK})"))
            stack.enter_context(locked(home / LOCK, deadline, purpose))
        yield


def _fresh(origin: _Origin, home: Path, listener: Listener, deadline: Deadline) -> Tree:
    """Undo what a last owner left, then bring the copy up to date."""
    sweep(home)
    restore(home)
    record = _copied(origin, home, listener, deadline)
    return Tree(
        name=origin.name,
        version=identify(home / SOURCE, origin.spec),
        origin=origin.spec,
        kind=origin.kind,
        fingerprint=record.fingerprint,
        revision=record.key[1] if origin.kind == "commit" else "",
        source=home / SOURCE,
    )


def _copied(origin: _Origin, home: Path, listener: Listener, deadline: Deadline) -> Record:
    if origin.kind == "tarball":
        return _unpacked(origin, home, listener, deadline)
    if origin.kind == "commit":
        return check_out(origin.path, origin.revision, origin.spec, home, listener, deadline)
    git = origin.kind == "git"
    listing = list_git(origin.path, home, deadline) if git else list_directory(origin.path)
    return mirror(origin.path, listing, home, (origin.kind, str(origin.path)), listener, deadline)


def _unpacked(origin: _Origin, home: Path, listener: Listener, deadline: Deadline) -> Record:
    try:
        record = unpack(origin.path, origin.called, home, listener, deadline)
    except UserError:
        if origin.address is not None:
            forget(origin.address, origin.path)
        raise
    if origin.address is not None and origin.address.sha256 not in ("", record.fingerprint):
        raise InfraError(f"{origin.called}: another run fetched another state of it; run this again")
    return record
