# SPDX-License-Identifier: GPL-2.0-only
"""Which files of a kernel directory a build has put there, where git does not tell.

From the top Makefile of 6.1: the file names that ``make clean`` finds and removes, CLEAN_FILES,
MRPROPER_FILES and RCS_FIND_IGNORE; with those of 2.6.27 where they differ. And from
scripts/Kbuild.include: what ``if_changed`` makes as X, it notes in ``.X.cmd`` beside it.
"""

from __future__ import annotations

import fnmatch
import re

_CLEANED = re.compile(
    "|".join(
        fnmatch.translate(pattern)
        for pattern in (
            *("*.[aios]", "*.rsi", "*.ko", ".*.cmd", "*.ko.*", "*.dtb", "*.dtbo", "*.dtb.S", "*.dt.yaml"),
            *("*.dwo", "*.lst", "*.su", "*.mod", "*.usyms", ".*.d", ".*.tmp", "*.mod.c", "*.lex.c"),
            *("*.tab.[ch]", "*.asn1.[ch]", "*.symtypes", "modules.order", ".tmp_*", "*.c.[012]*.*"),
            *("*.ll", "*.gcno", "*.*.symversions", "*.rmeta"),
        )
    )
)
_TOP_FILES = frozenset(
    (
        *("vmlinux", "vmlinux.symvers", "vmlinux.map", "modules-only.symvers", "modules.builtin"),
        *(
            "modules.builtin.modinfo",
            "modules.nsdeps",
            "compile_commands.json",
            "System.map",
            "Module.symvers",
        ),
        *("Module.markers", ".config", ".config.old", ".version", ".vmlinux.objs", ".vmlinux.export.c"),
        *("vmlinux-gdb.py", "arch/x86/lib/inat-tables.c", "drivers/tty/vt/consolemap_deftbl.c"),
        *("drivers/tty/vt/defkeymap.c", "init/utsversion-tmp.h", "scripts/mod/devicetable-offsets.h"),
        *("tools/objtool/objtool", "tools/objtool/fixdep", "tools/objtool/arch/x86/lib/inat-tables.c"),
        *(
            "include/ksym",
            "include/linux/autoconf.h",
            "include/linux/version.h",
            "include/linux/utsrelease.h",
        ),
        *("include/linux/compile.h", "include/linux/bounds.h", "include/asm", "kernel/config_data.gz"),
        *("certs/signing_key.pem", "certs/x509.genkey", "arch/x86/boot/bzImage", "arch/x86/boot/setup.bin"),
        *("scripts/basic/fixdep", "scripts/kconfig/conf", "lib/crc32table.h", "lib/crc64table.h"),
        *("lib/gen_crc32table", "lib/gen_crc64table", "usr/initramfs_data.cpio", "usr/gen_init_cpio"),
    )
)
_DIRECTORIES = re.compile(
    r"include/(?:config|generated)|arch/[^/]+/include/generated|\.tmp_versions|\.objdiff"
)
_FOREIGN = frozenset(("SCCS", "BitKeeper", ".svn", "CVS", ".pc", ".hg", ".git"))


def is_product_directory(path: str) -> bool:
    """True when everything under the directory *path* is made, or belongs to a version control system."""
    return path.rpartition("/")[2] in _FOREIGN or _DIRECTORIES.fullmatch(path) is not None


def is_product(path: str, beside: frozenset[str]) -> bool:
    """True when the file *path* was made by a build; *beside* are the names in its directory."""
    name = path.rpartition("/")[2]
    return f".{name}.cmd" in beside or path in _TOP_FILES or _CLEANED.match(name) is not None
