# SPDX-License-Identifier: GPL-2.0-only
"""Debian's sources derived from whatever the machine's apt reads; apt itself runs, on files of ours."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.deadline import Deadline
from harness.errors import InfraError
from harness.guest.image_sources import source_entries

pytestmark = pytest.mark.skipif(shutil.which("apt-get") is None, reason="no apt here")

ONE_LINE = "deb [trusted=yes] http://mirror.example/debian bookworm main contrib\n"
DEB822 = """Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main
Trusted: yes
"""
PACKAGE = "Package: x\nVersion: 1\nArchitecture: amd64\nFilename: x.deb\nSize: 1\n\n"
THIRD_PARTY = "deb [trusted=yes] http://vendor.example/debian bookworm main\n"


@pytest.fixture
def apt(tmp_path: Path) -> dict[str, str]:
    """An apt that reads its sources and lists below tmp_path; returns the environment for it."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "lists" / "partial").mkdir(parents=True)
    (tmp_path / "apt.conf").write_text(
        'APT::Architecture "amd64";\nAPT::Architectures { "amd64"; };\n'
        f'Dir::Etc::sourcelist "{tmp_path}/sources.list";\nDir::Etc::sourceparts "{tmp_path}/parts";\n'
        f'Dir::State::lists "{tmp_path}/lists";\nDir::Cache "{tmp_path}/cache";\n'
    )
    for host, suite, origin in (
        ("mirror", "bookworm", "Debian"),
        ("mirror", "bookworm-updates", "Debian"),
        ("mirror", "bookworm-backports", "Debian"),
        ("vendor", "bookworm", "Vendor"),
    ):
        release = tmp_path / "lists" / f"{host}.example_debian_dists_{suite}_Release"
        digests = "".join(f"\n {'0' * 64} 1 {name}/binary-amd64/Packages" for name in ("main", "contrib"))
        release.write_text(
            f"Origin: {origin}\nLabel: {origin}\nSuite: {suite}\nCodename: {suite}\n"
            "Date: Sat, 01 Jan 2022 00:00:00 UTC\nArchitectures: amd64\nComponents: main contrib\n"
            f"SHA256:{digests}\n"
        )
        for component in ("main", "contrib"):  # apt names only what has been downloaded
            (release.parent / f"{release.name[:-8]}_{component}_binary-amd64_Packages").write_text(PACKAGE)
    return {"APT_CONFIG": str(tmp_path / "apt.conf")}


def _entries(tmp_path: Path, env: dict[str, str]) -> set[str]:
    found = source_entries(tmp_path, Deadline.after(20), env)
    assert all(entry.startswith("deb-src ") for entry in found)
    return {" ".join(entry.split()[-3:]) for entry in found}


def test_one_line_list(tmp_path: Path, apt: dict[str, str]) -> None:
    (tmp_path / "sources.list").write_text(ONE_LINE)
    assert _entries(tmp_path, apt) == {
        "http://mirror.example/debian/ bookworm main",
        "http://mirror.example/debian/ bookworm contrib",
    }


def test_deb822_without_backports(tmp_path: Path, apt: dict[str, str]) -> None:
    (tmp_path / "parts" / "debian.sources").write_text(DEB822)
    assert _entries(tmp_path, apt) == {
        "http://mirror.example/debian/ bookworm main",
        "http://mirror.example/debian/ bookworm-updates main",
    }


def test_third_parties_are_left_out(tmp_path: Path, apt: dict[str, str]) -> None:
    (tmp_path / "sources.list").write_text(ONE_LINE)
    (tmp_path / "parts" / "vendor.list").write_text(THIRD_PARTY)
    assert not any("vendor" in entry for entry in _entries(tmp_path, apt))


def test_no_debian_suite_says_what_to_do(tmp_path: Path, apt: dict[str, str]) -> None:
    (tmp_path / "sources.list").write_text(THIRD_PARTY)
    with pytest.raises(InfraError, match="run 'apt-get update' as root"):
        source_entries(tmp_path, Deadline.after(20), apt)
