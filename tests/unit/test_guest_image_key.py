# SPDX-License-Identifier: GPL-2.0-only
"""Which change makes which part of the image again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness import paths
from harness.errors import InfraError
from harness.guest.image_key import compute_keys, require_tools

TOOLCHAIN = "gcc 12, musl 1.2.3"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return Path(shutil.copytree(paths.QEMU, tmp_path / "qemu"))


def test_our_sources_change_the_image_only(recipe: Path) -> None:
    before = compute_keys(recipe, TOOLCHAIN)
    with (recipe / "src" / "anon.c").open("a") as stream:
        stream.write("/* */\n")
    after = compute_keys(recipe, TOOLCHAIN)
    assert after.userland == before.userland
    assert after.image != before.image


def test_a_renamed_source_changes_the_image(recipe: Path) -> None:
    before = compute_keys(recipe, TOOLCHAIN)
    (recipe / "src" / "anon.c").rename(recipe / "src" / "anon2.c")
    assert compute_keys(recipe, TOOLCHAIN).image != before.image


@pytest.mark.parametrize("name", ["userland.mk", "busybox.sed", "dropbear.h"])
def test_the_recipe_changes_both(recipe: Path, name: str) -> None:
    before = compute_keys(recipe, TOOLCHAIN)
    with (recipe / name).open("a") as stream:
        stream.write("\n")
    after = compute_keys(recipe, TOOLCHAIN)
    assert after.userland != before.userland
    assert after.image != before.image


def test_the_toolchain_changes_both_and_the_readme_nothing(recipe: Path) -> None:
    before = compute_keys(recipe, TOOLCHAIN)
    (recipe / "README.md").write_text("other")
    assert compute_keys(recipe, TOOLCHAIN) == before
    after = compute_keys(recipe, TOOLCHAIN + ".1")
    assert after.userland != before.userland
    assert after.image != before.image


def test_a_missing_tool_is_named_with_its_package() -> None:
    with pytest.raises(InfraError, match=r"no-such-tool must be there; run: apt-get install some-package$"):
        require_tools((("sh", "dash"), ("no-such-tool", "some-package")))
