# SPDX-License-Identifier: GPL-2.0-only
"""What a lost symbol depends on, quoted from Kconfig text."""

from __future__ import annotations

from pathlib import Path

from harness.build.dependencies import explain

KCONFIG = """\
menu "Networking"
	depends on NET

config EARLIER
	bool "one before"
	depends on NOT_OURS

if CGROUPS && \\
   PROC_FS

choice
	prompt "which"
	depends on CHOOSING

config INSIDE
	bool

endchoice

menuconfig MEMCG
	bool "Memory controller"
	depends on SWAP
	depends on !TINY # a remark
	select PAGE_COUNTER
	help
		It depends on nothing that the help says.

config MEMCG_LATER
	depends on LATER

endif
endmenu
"""


def _tree(tmp_path: Path) -> Path:
    (tmp_path / "init").mkdir()
    (tmp_path / "init" / "Kconfig").write_text(KCONFIG)
    (tmp_path / "arch" / "arm").mkdir(parents=True)
    (tmp_path / "arch" / "arm" / "Kconfig").write_text("config MEMCG\n\tdepends on ARM\n")
    return tmp_path


def test_conditions_of_block_if_and_menu_are_quoted_with_values(tmp_path: Path) -> None:
    said = explain(_tree(tmp_path), "MEMCG", {"NET": "y", "CGROUPS": "y", "SWAP": "n"})
    assert said == (
        "depends on NET && CGROUPS && PROC_FS && SWAP && !TINY # a remark "
        "[NET=y, CGROUPS=y, PROC_FS=n, SWAP=n, TINY=n] (init/Kconfig:19)"
    )


def test_a_choice_lends_its_condition_to_its_members_only(tmp_path: Path) -> None:
    assert "CHOOSING" in explain(_tree(tmp_path), "INSIDE", {})
    assert "CHOOSING" not in explain(tmp_path, "MEMCG", {})


def test_a_symbol_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    assert explain(_tree(tmp_path), "MEM", {}) == "no Kconfig file of this tree defines it"


def test_a_symbol_of_another_architecture_only_is_not_there(tmp_path: Path) -> None:
    tree = _tree(tmp_path)
    (tree / "arch" / "arm" / "Kconfig").write_text("config ARM_ONLY\n\tdepends on ARM\n")
    assert "no Kconfig file" in explain(tree, "ARM_ONLY", {})
