# SPDX-License-Identifier: GPL-2.0-only
"""Debian source packages, fetched by apt as any user and without a change to the system's apt."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from harness.deadline import Deadline
from harness.errors import InfraError
from harness.process import Completed, run

PACKAGES = ("busybox", "dropbear", "openssh")
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_TARGET = "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
_MEND = "see that the network and apt's mirror can be reached, then run it again"


def source_entries(
    directory: Path, deadline: Deadline, env: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """``deb-src`` lines for Debian's own suites among those that the system's apt reads packages from.

    apt itself is asked (``indextargets``), so that one-line and deb822 files, mirrors and defaults
    mean what they mean to apt. Third-party repositories are known by the Origin in their Release
    files and left out; so are backports, whose sources would win by version. InfraError when
    apt knows no Debian suite.
    """
    done = run(
        ["apt-get", "indextargets", "--format", _TARGET, "Created-By: Packages"],
        cwd=directory,
        deadline=deadline,
        env=env,
    )
    if done.exit != 0:
        raise InfraError(f"apt-get indextargets failed with {done.exit}: {done.last_lines()}")
    option = f"[signed-by={_KEYRING}] " if _KEYRING.exists() else ""
    entries: dict[str, None] = {}
    for line in done.output.splitlines():
        fields = line.split("|")
        if len(fields) != _TARGET.count("|") + 1:
            continue  # a warning of apt's
        origin, uri, suite, component = fields
        if origin == "Debian" and "backports" not in suite and not uri.startswith("cdrom:"):
            entries[f"deb-src {option}{uri} {suite} {component}"] = None
    if not entries:
        raise InfraError("apt has no package list of Debian's; run 'apt-get update' as root")
    return tuple(entries)


def fetch_sources(directory: Path, deadline: Deadline) -> dict[str, str]:
    """Download and unpack :data:`PACKAGES` into *directory*/NAME; their versions by name.

    apt gets sources, lists and cache of its own under *directory*. Debian's patches are applied.
    InfraError names the package that could not be fetched and the mend.
    """
    private = directory / "apt"
    (private / "lists" / "partial").mkdir(parents=True)
    (private / "cache" / "archives" / "partial").mkdir(parents=True)
    entries = source_entries(directory, deadline)
    (private / "sources.list").write_text("\n".join(entries) + "\n", encoding="utf-8")
    done = _apt(private, ["update"], deadline)
    if done.exit != 0:
        raise InfraError(
            f"{', '.join(PACKAGES)}: apt-get update for deb-src failed: {done.last_lines(2)}; {_MEND}"
        )
    return {name: _fetch(directory, private, name, deadline) for name in PACKAGES}


def _fetch(directory: Path, private: Path, name: str, deadline: Deadline) -> str:
    done = _apt(private, ["source", "--download-only", "--only-source", name], deadline)
    found = sorted(private.glob(f"{name}_*.dsc"))
    if done.exit != 0 or not found:
        raise InfraError(f"{name}: its source package could not be fetched: {done.last_lines(1)}; {_MEND}")
    done = run(["dpkg-source", "-x", found[0], name], cwd=directory, deadline=deadline)
    if done.exit != 0:
        raise InfraError(f"{name}: its source package could not be unpacked: {done.last_lines(2)}")
    text = found[0].read_text(encoding="utf-8", errors="replace")
    return next((line.split()[1] for line in text.splitlines() if line.startswith("Version: ")), "unknown")


def _apt(private: Path, command: list[str], deadline: Deadline) -> Completed:
    options = {
        "Dir::Etc::sourcelist": private / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": private / "lists",
        "Dir::Cache": private / "cache",
        # As root, apt would fetch as a user who may not enter our directory.
        "APT::Sandbox::User": "root",
        # Without it apt counts a mirror that cannot be reached as a success.
        "APT::Update::Error-Mode": "any",
        "Acquire::Retries": "3",
        "Acquire::Languages": "none",
    }
    arguments = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
    return run(
        ["apt-get", "-q", *arguments, *command],
        cwd=private,
        deadline=deadline,
        env={"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive", "HOME": os.environ.get("HOME", "/")},
    )
