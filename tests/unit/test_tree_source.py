# SPDX-License-Identifier: GPL-2.0-only
from __future__ import annotations

import hashlib
import io
import os
import subprocess
import tarfile
import threading
from pathlib import Path

import pytest

from harness.deadline import Deadline
from harness.errors import HarnessError, InfraError, UserError
from harness.events import Event, Note, silent
from harness.tree import debian, mirror, source
from harness.tree.model import Tree
from harness.tree.record import UNSURE, load_record
from harness.tree.source import open_tree

MAKEFILE = "# SPDX\nVERSION = 2\nPATCHLEVEL = 6\nSUBLEVEL = 27\nEXTRAVERSION = -rc3\nNAME = x\n"
SOURCES = {
    "Makefile": MAKEFILE,
    "mm/memcontrol.c": "int x;\n",
    "mm/Makefile": "obj-y += memcontrol.o\n",
    "kernel/fork.c": "int f;\n",
    "kernel/exit.c": "int e;\n",
    "init/main.c": "int m;\n",
    "arch/x86/kernel/a.S": "nop\n",
    "include/linux/mm.h": "#define A\n",
    "scripts/run.sh": "#!/bin/sh\n",
    ".gitignore": "*.o\n.*.cmd\n",
}
OLD = 1_200_000_000


def kernel(root: Path) -> Path:
    for path, text in SOURCES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
        os.utime(root / path, (OLD, OLD))
    (root / "scripts/run.sh").chmod(0o755)
    (root / "include/asm-link").symlink_to("./linux")
    return root


def opened(spec: Path | str, tmp_path: Path) -> tuple[Tree, dict[str, str]]:
    with open_tree(str(spec), cache=tmp_path / "cache", listener=silent, deadline=Deadline.after(30)) as tree:
        return tree, state(tree.source)


def state(root: Path) -> dict[str, str]:
    """Every file with its contents, or where it points to."""
    return {
        str(path.relative_to(root)): os.readlink(path) if path.is_symlink() else path.read_text("latin-1")  # noqa: PTH115 -- Path.readlink drops a "./"
        for path in root.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def witness(root: Path) -> dict[str, tuple[int, ...]]:
    """What would change if somebody wrote there."""
    everything = [root, *root.rglob("*")]
    return {
        str(path): (s.st_ino, s.st_mode, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_nlink)
        for path in everything
        for s in [path.lstat()]
    }


def git(root: Path, *words: str) -> None:
    config = ("-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=m")
    subprocess.run(["git", *config, *words], cwd=root, check=True, capture_output=True)


def tarball(tmp_path: Path, root: Path, name: str = "linux-2.6.27.tar.xz") -> Path:
    path = tmp_path / name
    with tarfile.open(path, "w:xz") as archive:
        archive.add(root, arcname="linux-2.6.27")
    return path


def refused(spec: Path | str, tmp_path: Path) -> str:
    with pytest.raises(UserError) as caught:
        opened(spec, tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(spec))
    return message


def test_directory_is_copied_whole_and_identified(tmp_path: Path) -> None:
    root = kernel(tmp_path / "my linux")
    before = witness(root)
    tree, files = opened(root, tmp_path)
    assert files == {**SOURCES, "include/asm-link": "./linux"}
    assert (tree.version.major, tree.version.minor, tree.version.patch, tree.version.rc) == (2, 6, 27, 3)
    assert tree.version.text == "2.6.27-rc3"
    assert (tree.kind, tree.name, tree.origin) == ("directory", "my-linux", str(root))
    digest = hashlib.sha256(str(root).encode()).hexdigest()[:8]
    assert tree.source == tmp_path / "cache" / "trees" / f"my-linux-{digest}" / "src"
    assert os.access(tree.source / "scripts/run.sh", os.X_OK)
    assert not os.access(tree.source / "mm/Makefile", os.X_OK)
    assert witness(root) == before


def test_only_what_changed_is_copied_again(tmp_path: Path) -> None:
    root = kernel(tmp_path / "linux")
    first, _ = opened(root, tmp_path)
    copied = {path: (first.source / path).stat() for path in SOURCES}
    (root / "mm/memcontrol.c").write_text("int y;\n")
    os.utime(root / "mm/memcontrol.c", (OLD, OLD))  # the same size and time: only ctime tells
    (root / "kernel/fork.c").unlink()
    (root / "kernel/sub").mkdir()
    (root / "kernel/sub/new.c").write_text("new\n")
    (root / "mm/Makefile").touch()
    (root / "include/asm-link").unlink()
    (root / "include/asm-link").mkdir()
    (root / "include/asm-link/a.h").write_text("a\n")
    second, files = opened(root, tmp_path)
    assert files == state(root)
    assert second.fingerprint != first.fingerprint
    now = {path: (second.source / path).stat() for path in SOURCES if path != "kernel/fork.c"}
    assert now["mm/memcontrol.c"].st_mtime_ns > max(s.st_mtime_ns for s in copied.values())
    assert now["mm/Makefile"].st_mtime_ns == copied["mm/Makefile"].st_mtime_ns
    assert now["init/main.c"].st_ino == copied["init/main.c"].st_ino


def test_fingerprint_is_of_contents(tmp_path: Path) -> None:
    one, _ = opened(kernel(tmp_path / "a"), tmp_path)
    two, _ = opened(kernel(tmp_path / "b"), tmp_path)
    assert one.fingerprint == two.fingerprint
    (tmp_path / "b/mm/memcontrol.c").chmod(0o755)
    assert opened(tmp_path / "b", tmp_path)[0].fingerprint != one.fingerprint


def test_unchanged_tree_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "_RACY", -(10**12))
    root = kernel(tmp_path / "linux")
    first, _ = opened(root, tmp_path)

    def no_copy(*_: object) -> None:
        raise AssertionError("copied")

    monkeypatch.setattr(mirror._Job, "one", no_copy)
    assert opened(root, tmp_path)[0] == first


def test_file_that_changed_just_now_is_not_believed(tmp_path: Path) -> None:
    root = kernel(tmp_path / "linux")
    tree, _ = opened(root, tmp_path)
    record = load_record(tree.source.parent)
    assert record is not None
    assert {entry.stamp for entry in record.entries} == {UNSURE}


def test_killed_while_bringing_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "_RACY", -(10**12))
    root = kernel(tmp_path / "linux")
    opened(root, tmp_path)
    saved = witness(root)[str(root / "mm/memcontrol.c")]
    (root / "mm/memcontrol.c").rename(tmp_path / "aside")
    (root / "mm/memcontrol.c").write_text("int broken;\n")
    with monkeypatch.context() as patch:
        patch.setattr(mirror, "_saved", _die)
        with pytest.raises(KeyboardInterrupt):
            opened(root, tmp_path)
    (tmp_path / "aside").replace(root / "mm/memcontrol.c")
    assert witness(root)[str(root / "mm/memcontrol.c")][:4] == saved[:4]
    assert opened(root, tmp_path)[1] == state(root)


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_killed_during_the_first_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = kernel(tmp_path / "linux")
    with monkeypatch.context() as patch:
        patch.setattr(mirror, "remove_tree", lambda _path: None)  # SIGKILL cleans nothing up
        patch.setattr(mirror._Job, "link", _die)
        with pytest.raises(KeyboardInterrupt):
            opened(root, tmp_path)
    assert opened(root, tmp_path)[1] == state(root)


def test_tree_built_in_place_comes_without_its_products(tmp_path: Path) -> None:
    root = kernel(tmp_path / "linux")
    made = (
        *("mm/memcontrol.o", "mm/.memcontrol.o.cmd", "mm/built-in.a", ".config", "vmlinux", "System.map"),
        *("include/generated/autoconf.h", "include/config/auto.conf", "arch/x86/include/generated/asm/a.h"),
        *("scripts/conf", "scripts/.conf.cmd", ".tmp_vmlinux1", "kernel/x.mod.c", "Module.symvers"),
        *(".svn/entries", ".version"),
    )
    for path in made:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("made")
    before = witness(root)
    assert set(opened(root, tmp_path)[1]) == {*SOURCES, "include/asm-link"}
    assert witness(root) == before


def test_git_work_tree_as_it_lies(tmp_path: Path) -> None:
    root = kernel(tmp_path / "linux")
    git(root, "init")
    git(root, "add", ".")
    git(root, "commit", "-m", "base")
    (root / "mm/memcontrol.c").write_text("int uncommitted;\n")
    (root / "kernel/fork.c").unlink()
    (root / "mm/new.c").write_text("int untracked;\n")
    (root / "mm/new.o").write_text("ignored")
    (root / "init/main.c").touch()  # git status would refresh the index here
    git(root, "config", "core.fsmonitor", f"touch {tmp_path / 'ran'}")
    before = witness(root)
    tree, files = opened(root, tmp_path)
    expected = {**SOURCES, "mm/memcontrol.c": "int uncommitted;\n", "mm/new.c": "int untracked;\n"}
    del expected["kernel/fork.c"]
    assert files == {**expected, "include/asm-link": "./linux"}
    assert tree.kind == "git"
    assert witness(root) == before
    assert not (tmp_path / "ran").exists()


def test_broken_git_is_the_users(tmp_path: Path) -> None:
    root = kernel(tmp_path / "linux")
    (root / ".git").mkdir()
    assert "git cannot list it" in refused(root, tmp_path)


def test_tarball_is_unpacked_once(tmp_path: Path) -> None:
    path = tarball(tmp_path, kernel(tmp_path / "linux"))
    first, files = opened(path, tmp_path)
    assert files == {**SOURCES, "include/asm-link": "./linux"}
    assert (first.kind, first.name) == ("tarball", "linux-2.6.27")
    made = (first.source / "Makefile").stat()
    assert made.st_mtime > OLD
    os.utime(path)
    second, _ = opened(path, tmp_path)
    assert second == first
    assert (first.source / "Makefile").stat() == made
    (tmp_path / "linux/Makefile").write_text(MAKEFILE.replace("27", "28"))
    tarball(tmp_path, tmp_path / "linux")
    assert opened(path, tmp_path)[0].version.patch == 28


def test_tarball_without_a_directory(tmp_path: Path) -> None:
    root, path = kernel(tmp_path / "linux"), tmp_path / "flat.tar"
    with tarfile.open(path, "w") as archive:
        for name in sorted(p.name for p in root.iterdir()):
            archive.add(root / name, arcname=name)
    assert opened(path, tmp_path)[1] == state(root)


@pytest.mark.parametrize(
    ("name", "kind", "link", "says"),
    [
        ("../evil", tarfile.REGTYPE, "", "outside the tree"),
        ("/absolute", tarfile.REGTYPE, "", "outside the tree"),
        ("linux/l", tarfile.SYMTYPE, "../../x", "outside the tree"),
        ("linux/l", tarfile.SYMTYPE, "/etc/passwd", "outside the tree"),
        ("linux/l", tarfile.LNKTYPE, "../../etc/passwd", "outside the tree"),
        ("linux/pipe", tarfile.FIFOTYPE, "", "is no file"),
    ],
)
def test_hostile_tarballs(tmp_path: Path, name: str, kind: bytes, link: str, says: str) -> None:
    path, root = tmp_path / "evil.tar", kernel(tmp_path / "linux")
    with tarfile.open(path, "w") as archive:
        archive.add(root, arcname="linux")
        member = tarfile.TarInfo(name)
        member.type, member.linkname, member.size = kind, link, 1 if kind == tarfile.REGTYPE else 0
        archive.addfile(member, io.BytesIO(b"x"))
    assert says in refused(path, tmp_path)
    (home,) = (tmp_path / "cache" / "trees").iterdir()
    assert {left.name for left in home.iterdir()} == {"lock"}
    assert not Path("/absolute").exists()


def test_what_is_no_kernel(tmp_path: Path) -> None:
    assert "no such tree" in refused(tmp_path / "none", tmp_path)
    (tmp_path / "empty").mkdir()
    assert "no Makefile with VERSION" in refused(tmp_path / "empty", tmp_path)
    root = kernel(tmp_path / "linux")
    (root / "mm/memcontrol.c").unlink()
    (root / "mm/Makefile").unlink()
    (root / "mm").rmdir()
    assert "no mm/" in refused(root, tmp_path)
    (tmp_path / "words.txt").write_text("x")
    assert "neither a directory" in refused(tmp_path / "words.txt", tmp_path)
    assert not (tmp_path / "cache").exists()
    (tmp_path / "broken.tar.xz").write_bytes(b"no archive at all")
    assert "cannot be unpacked" in refused(tmp_path / "broken.tar.xz", tmp_path)
    with tarfile.open(tmp_path / "other.tar", "w") as archive:
        archive.add(tmp_path / "empty", arcname="other")
    assert "no Makefile with VERSION" in refused(tmp_path / "other.tar", tmp_path)


def test_makefile_is_read_and_not_run(tmp_path: Path) -> None:
    root = kernel(tmp_path / "linux")
    (root / "Makefile").write_text(f"VERSION = 6\nPATCHLEVEL = 1\nEXTRAVERSION = $(shell touch {root}/ran)\n")
    tree, _ = opened(root, tmp_path)
    assert tree.version.text.startswith("6.1.0")
    assert not (root / "ran").exists()


def test_cache_inside_the_tree(tmp_path: Path) -> None:
    root = kernel(tmp_path / "linux")
    with (
        pytest.raises(UserError, match="lies inside the tree"),
        open_tree(str(root), cache=root / ".cache", listener=silent, deadline=Deadline.never()),
    ):
        pass
    assert not (root / ".cache").exists()


def test_no_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _needed: int, purpose: str) -> None:
        raise UserError(f"no room for {purpose}")

    monkeypatch.setattr(mirror, "require_space", full)
    with pytest.raises(UserError, match="no room"):
        opened(kernel(tmp_path / "linux"), tmp_path)


def test_debian_takes_what_the_metapackage_wants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("6.1", "6.9", "6.12"):
        (tmp_path / f"linux-source-{version}.tar.xz").touch()
    deadline = Deadline.after(10)
    monkeypatch.setattr(debian, "_wanted", lambda *_: (6, 9))
    assert debian.newest_source(tmp_path, deadline).name == "linux-source-6.9.tar.xz"
    monkeypatch.setattr(debian, "_wanted", lambda *_: ())
    assert debian.newest_source(tmp_path, deadline).name == "linux-source-6.12.tar.xz"


def test_debian_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "USR_SRC", tmp_path)
    assert "apt-get install linux-source" in refused("debian", tmp_path)


def test_second_user_waits_and_says_so(tmp_path: Path) -> None:
    root = kernel(tmp_path / "linux")
    notes: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Note):
            notes.append(event.text)

    with open_tree(str(root), cache=tmp_path / "cache", listener=silent, deadline=Deadline.after(30)):
        failed: list[HarnessError] = []

        def second() -> None:
            try:
                with open_tree(
                    str(root), cache=tmp_path / "cache", listener=listen, deadline=Deadline.after(0.2)
                ):
                    pass
            except HarnessError as error:
                failed.append(error)

        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert [type(error) for error in failed] == [InfraError]
    assert notes and notes[0].startswith("waiting: ")
