# SPDX-License-Identifier: GPL-2.0-only
"""A commit of a repository as a tree: only what differs is written, and the repository runs nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.deadline import Deadline
from harness.errors import InfraError, UserError
from harness.events import silent
from harness.tree.model import Tree
from harness.tree.peek import peek
from harness.tree.source import open_tree


def git(repository: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@t", *words],
        cwd=repository,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(toy_source: Path) -> Path:
    """The toy kernel with two commits: the second changes one file and adds one."""
    git(toy_source, "init", "-q")
    git(toy_source, "add", "-A", "-f")
    git(toy_source, "commit", "-qm", "one")
    git(toy_source, "tag", "one")
    (toy_source / "mm/new.c").write_text("int new;\n")
    (toy_source / "Makefile").write_text((toy_source / "Makefile").read_text() + "# two\n")
    git(toy_source, "add", "-A")
    git(toy_source, "commit", "-qm", "two")
    return toy_source


def opened(spec: str, tmp_path: Path) -> Tree:
    with open_tree(spec, cache=tmp_path / "cache", listener=silent, deadline=Deadline.after(60)) as tree:
        return tree


def test_a_branch_elsewhere_is_fetched_each_time_it_is_opened(repository: Path, tmp_path: Path) -> None:
    git(repository, "checkout", "-q", "-b", "for/next")
    spec = f"file://{repository}@for/next"
    first = opened(spec, tmp_path)
    assert first.revision == git(repository, "rev-parse", "HEAD")
    assert (first.source / "mm/new.c").read_text() == "int new;\n"
    before = {path: path.stat().st_mtime_ns for path in first.source.rglob("*") if path.is_file()}
    (repository / "mm/new.c").write_text("int newer;\n")
    git(repository, "commit", "-qam", "three")
    second = opened(spec, tmp_path)
    assert second.source == first.source
    assert second.revision == git(repository, "rev-parse", "HEAD") != first.revision
    assert second.fingerprint != first.fingerprint
    changed = {path.name for path, stamp in before.items() if path.stat().st_mtime_ns != stamp}
    assert changed == {"new.c"}
    git(repository, "reset", "-q", "--hard", "HEAD~2")
    assert not (opened(spec, tmp_path).source / "mm/new.c").exists(), "it may be rewritten"


@pytest.mark.parametrize(
    ("spec", "error", "said"),
    [
        ("file://{}@nowhere", UserError, "no such branch there"),
        ("file://{}@-evil", UserError, "no branch of a repository"),
        ("file://{}", UserError, "no branch of a repository"),
        ("ssh://git@host/linux.git", UserError, "no branch of a repository"),
        ("file://{}/not-there@main", InfraError, "cannot be fetched"),
    ],
)
def test_what_cannot_be_fetched_is_one_line(
    repository: Path, tmp_path: Path, spec: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        opened(spec.format(repository), tmp_path)


def test_from_one_commit_to_another_only_what_differs_is_written(repository: Path, tmp_path: Path) -> None:
    first = opened(f"{repository}@one", tmp_path)
    assert not (first.source / "mm/new.c").exists()
    before = {path: path.stat().st_mtime_ns for path in first.source.rglob("*") if path.is_file()}
    second = opened(f"{repository}@HEAD", tmp_path)
    assert second.source == first.source
    assert (second.source / "mm/new.c").read_text() == "int new;\n"
    changed = {path.name for path, stamp in before.items() if path.stat().st_mtime_ns != stamp}
    assert changed == {"Makefile"}
    assert first.fingerprint != second.fingerprint
    assert second.kind == "commit"


def test_the_repository_is_as_it_was(repository: Path, tmp_path: Path) -> None:
    def manifest() -> dict[str, tuple[int, bytes]]:
        files = (path for path in repository.rglob("*") if path.is_file())
        return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    before = manifest()
    opened(f"{repository}@one", tmp_path)
    assert manifest() == before


def test_filters_and_hooks_of_the_repository_do_not_run(repository: Path, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    git(repository, "config", "filter.x.smudge", f"touch {witness}; cat")
    git(repository, "config", "core.fsmonitor", f"touch {witness}; true")
    (repository / ".gitattributes").write_text("* filter=x\n")
    git(repository, "add", ".gitattributes")
    git(repository, "commit", "-qm", "three", "--no-verify")
    hook = repository / ".git/hooks/post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {witness}\n")
    hook.chmod(0o755)
    witness.unlink(missing_ok=True)  # the commit itself may have asked the monitor
    tree = opened(f"{repository}@HEAD", tmp_path)
    assert (tree.source / ".gitattributes").exists()
    assert not witness.exists()


def test_filters_of_the_user_do_not_run(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / ".gitattributes").write_text("* filter=x\n")
    git(repository, "add", ".gitattributes")
    git(repository, "commit", "-qm", "three")
    witness = tmp_path / "witness"
    (tmp_path / "gitconfig").write_text(f'[filter "x"]\n\tsmudge = "touch {witness}; cat"\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    tree = opened(f"{repository}@HEAD", tmp_path)
    assert (tree.source / ".gitattributes").exists()
    assert not witness.exists()


def test_a_worktree_and_a_bare_repository_serve_too(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", str(tmp_path / "beside"), "one")
    git(repository, "clone", "-q", "--bare", str(repository), str(tmp_path / "bare.git"))
    wanted = opened(f"{repository}@one", tmp_path).fingerprint
    assert opened(f"{tmp_path / 'beside'}@one", tmp_path).fingerprint == wanted
    assert opened(f"{tmp_path / 'bare.git'}@one", tmp_path).fingerprint == wanted


@pytest.mark.parametrize("revision", ["nowhere", "--output=x", "HEAD:Makefile", "-"])
def test_what_is_no_commit_is_one_line(repository: Path, tmp_path: Path, revision: str) -> None:
    with pytest.raises(UserError, match="no such revision") as caught:
        opened(f"{repository}@{revision}", tmp_path)
    assert "\n" not in str(caught.value)


def test_a_directory_with_an_at_sign_is_a_directory(toy_source: Path, tmp_path: Path) -> None:
    odd = toy_source.rename(tmp_path / "toy@home")
    assert opened(str(odd), tmp_path).kind == "directory"


def test_peek_reads_a_directory_in_place_and_a_commit_from_its_copy(repository: Path, tmp_path: Path) -> None:
    (repository / "mm/new.c").write_text("int uncommitted;\n")

    def seen(spec: str) -> bytes | None:
        with peek(spec, cache=tmp_path / "cache", listener=silent, deadline=Deadline.after(60)) as tree:
            return tree.read("mm/new.c")

    assert seen(str(repository)) == b"int uncommitted;\n"
    assert seen(f"{repository}@HEAD") == b"int new;\n"
    assert seen(f"{repository}@one") is None
    with (
        peek(str(repository), cache=tmp_path, listener=silent, deadline=Deadline.never()) as tree,
        pytest.raises(UserError, match="outside"),
    ):
        tree.read("../x")
