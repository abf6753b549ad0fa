# SPDX-License-Identifier: GPL-2.0-only
"""The outside tools: the real sparse, spatch and perl on small files; a stand-in for checkpatch."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec
import pytest

from harness.analysis.model import Finding
from harness.analysis.states import States
from harness.analysis.table import load_rules
from harness.analysis.tools import Kit, kit_for, outside
from harness.analysis.tools_checkpatch import SCRIPT, checkpatch, find_checkpatch, version
from harness.analysis.tools_coccinelle import coccinelle, marked, only, touched_functions
from harness.analysis.tools_gcc import compiler_findings
from harness.analysis.tools_join import joined
from harness.analysis.tools_run import Unusable, ask
from harness.analysis.tools_sparse import sparse
from harness.analysis.tools_table import COCCI, TABLE, table
from harness.analysis.tools_view import view
from harness.build.model import CompilerWarning
from harness.deadline import Deadline
from harness.errors import UserError
from harness.paths import cache
from harness.series.model import FileChange, Patch
from harness.tree.model import Applied, HunkLanding, PatchLanding, Tree, Version
from harness.tree.workcopy import put

FILE = "mm/a.c"
SOON = 60.0
needs_sparse = pytest.mark.skipif(shutil.which("sparse") is None, reason="sparse is not installed")
needs_spatch = pytest.mark.skipif(shutil.which("spatch") is None, reason="coccinelle is not installed")

# What checkpatch is to the harness: its version, the names of the options that are asked for, and its
# lines. It complains of each added line with BUG, of one file that it cannot know, and of the whole patch.
STAND_IN = r"""
my $V = '0.32';
my %options = ('show-types!' => 1, 'terse!' => 1, 'ignore=s' => 1, 'color=s' => 1);
my $seen = 0;
for my $file (grep { $seen ||= $_ eq '--'; $seen && $_ ne '--' } @ARGV) {
    open(my $in, '<', $file) or die;
    while (<$in>) {
        print "$file:$.: WARNING:AVOID_BUG: no BUG, please\n" if /^\+.*BUG/;
        print "$file:$.: WARNING:TRAILING_SEMICOLON: none, please\n" if /^\+.*\(\(/;
        print "$file:$.: WARNING:TYPO_SPELLING: 'teh' may be misspelled\n" if /^teh/;
        print "$file:$.: WARNING:MISSING_SIGN_OFF: Missing Signed-off-by: line(s)\n" if eof;
    }
}
print "0999.patch:1: ERROR:SPACING: not ours\n", "and noise\n";
"""


def states(base: bytes | None, *later: bytes | None, offset: int = 0) -> States:
    hunks = (HunkLanding(file=FILE, hunk=1, status="offset", offset=offset),)
    landings = tuple(
        PatchLanding(number=number, subject="", status="applied", hunks=hunks)
        for number in range(1, len(later) + 1)
    )
    prefixes = ({}, *({FILE: data} for data in later))
    return States(Applied(landings=landings, prefixes=prefixes), {FILE: base}.get)


def patch(number: int, hunk: str, description: str = "") -> Patch:
    diff = f"diff --git a/{FILE} b/{FILE}\n--- a/{FILE}\n+++ b/{FILE}\n{hunk}"
    change = FileChange(path=FILE, kind="modified", old_path=FILE, added=1, removed=0, hunks=1)
    return Patch(
        number=number,
        total=2,
        subject="mm: two\nlines",
        author="A <a@example.org>",
        message_id="",
        diff=diff.encode(),
        files=(change,),
        origin="",
        description=description,
    )


def soon() -> Deadline:
    return Deadline.after(SOON)


# checkpatch

BASE = b"int f(int a)\n{\n\treturn a;\n}\n"
FIRST = b"int f(int a)\n{\n\tBUG_ON(a);\n\tBUG_ON(!a);\n\treturn a;\n}\n"
SECOND = b"int f(int a)\n{\n\tif ((a))\n\t\treturn 1;\n\tBUG_ON(!a);\n\treturn a;\n}\n"
PATCHES = (
    patch(
        1, "@@ -1,3 +1,5 @@\n int f(int a)\n {\n+\tBUG_ON(a);\n+\tBUG_ON(!a);\n \treturn a;\n", "teh first"
    ),
    patch(
        2,
        "@@ -1,5 +1,6 @@\n int f(int a)\n {\n-\tBUG_ON(a);\n+\tif ((a))\n+\t\treturn 1;\n"
        " \tBUG_ON(!a);\n \treturn a;\n",
    ),
)


def script(directory: Path, text: str = STAND_IN) -> Path:
    path = directory / "tree" / "scripts" / "checkpatch.pl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def by_checkpatch(directory: Path, of: States, patches: tuple[Patch, ...] = PATCHES) -> tuple[Finding, ...]:
    rows = table().checkpatch
    return checkpatch(of, patches, script(directory), rows=rows, scratch=directory, deadline=soon())


def test_checkpatch_speaks_of_lines_that_are_there_at_the_end(tmp_path: Path) -> None:
    found = by_checkpatch(tmp_path, states(BASE, FIRST, SECOND))
    assert [(one.patch, one.rule, one.severity, one.file, one.line, one.function) for one in found] == [
        (1, "checkpatch/MISSING_SIGN_OFF", "note", "", 0, ""),
        (2, "checkpatch/MISSING_SIGN_OFF", "note", "", 0, ""),
        (1, "checkpatch/TYPO_SPELLING", "note", "", 0, ""),
        (2, "checkpatch/TRAILING_SEMICOLON", "warning", FILE, 3, "f"),
        (1, "checkpatch/AVOID_BUG", "note", FILE, 5, "f"),
    ]
    assert found[-1].source == "\tBUG_ON(!a);"
    assert len({one.fingerprint for one in found}) == len(found)


def test_checkpatch_s_line_follows_a_hunk_that_landed_elsewhere(tmp_path: Path) -> None:
    head = b"\tBUG_ON(!a);\n" + b"/* line */\n" * 40
    of = states(head + BASE, head + FIRST, offset=41)
    (found,) = (one for one in by_checkpatch(tmp_path, of, PATCHES[:1]) if "!a" in one.source)
    assert found.line == 45


def test_only_patches_that_are_on_are_read(tmp_path: Path) -> None:
    assert {one.patch for one in by_checkpatch(tmp_path, states(BASE, FIRST))} == {1}


def test_find_checkpatch_takes_the_first_that_is_new_enough(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    script(old, "my $V = '0.19';")
    script(new)
    trees = [tmp_path / "none", old / "tree", new / "tree"]
    assert find_checkpatch(trees) == new / "tree/scripts/checkpatch.pl"
    assert find_checkpatch(trees[:2]) is None
    with pytest.raises(Unusable, match=r"older than Linux 4\.0"):
        version(old / "tree/scripts/checkpatch.pl")


def test_a_patch_with_an_endless_line_is_left_out_and_said_to_be(tmp_path: Path) -> None:
    endless = patch(1, "@@ -1 +1,2 @@\n int f(int a)\n+" + "x" * 20_000 + "BUG\n")
    found = by_checkpatch(tmp_path, states(BASE, FIRST, SECOND), (endless, PATCHES[1]))
    assert [one.rule for one in found if one.patch == 1] == ["checkpatch/not-read"]
    assert len([one for one in found if one.patch == 2]) == 2


REAL = find_checkpatch(sorted((cache() / "trees").glob("*/src")))


@pytest.mark.skipif(REAL is None, reason="no kernel tree with a checkpatch in the cache")
def test_the_real_checkpatch_is_understood(tmp_path: Path) -> None:
    assert REAL is not None
    of, rows = states(BASE, FIRST, SECOND), table().checkpatch
    found = checkpatch(of, PATCHES, REAL, rows=rows, scratch=tmp_path, deadline=soon())
    said = {(one.patch, one.rule, one.line) for one in found}
    assert {(1, "checkpatch/AVOID_BUG", 5), (1, "checkpatch/MISSING_SIGN_OFF", 0)} <= said
    assert (2, "checkpatch/UNNECESSARY_PARENTHESES", 3) not in said, "checks are not asked for"


# sparse

HEADER = b"""
#define __acquires(x) __attribute__((context(x, 0, 1)))
#define __releases(x) __attribute__((context(x, 1, 0)))
extern void lock(void) __acquires(x);
extern void unlock(void) __releases(x);
#define CODE NAME
"""
BALANCED = (
    b'#include <linux/lock.h>\n#include "own.h"\n'
    b"int f(int a)\n{\n\tlock();\n\tif (a) {\n\t\tunlock();\n\t\treturn OWN;\n\t}\n"
    b"\tunlock();\n\treturn 2;\n}\n"
)
UNBALANCED = BALANCED.replace(b"\t\tunlock();\n", b"")


def built(root: Path, code: bytes | None = BALANCED) -> tuple[Path, Path]:
    """A tree with *code* as its file, and a build of it, as kbuild leaves them."""
    source, build = root / "src", root / "build"
    for path, data in {
        "src/include/linux/lock.h": HEADER,
        "src/mm/own.h": b"#define OWN 1\n",
        "src/mm/a.c": code or b"",
        "src/kernel/b.c": b"",
        "build/mm/.a.o.cmd": (
            f"cmd_mm/a.o := ccache gcc -Wp,-MMD,mm/.a.o.d -nostdinc -I{source}/include -Wall -O2 "
            '-D__KERNEL__ -D"KBUILD_STR(s)=\\#s" -DNAME=\'"a"\' -c -o mm/a.o '
            f"{source}/mm/a.c\n\nsource_mm/a.o := {source}/mm/a.c\n"
        ).encode(),
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return source, build


def by_sparse(root: Path, of: States) -> tuple[Finding, ...]:
    source, build = built(root, of[0].read(FILE))
    scratch = root / "scratch"
    scratch.mkdir()
    rows = table().sparse
    return sparse(of, source=source, builds=(root / "no", build), rows=rows, scratch=scratch, deadline=soon())


@needs_sparse
def test_sparse_finds_the_imbalance_that_a_patch_brings(tmp_path: Path) -> None:
    (found,) = by_sparse(tmp_path, states(BALANCED, BALANCED + b"/* */\n", UNBALANCED))
    assert (found.rule, found.severity, found.patch) == ("sparse/context-imbalance", "warning", 2)
    assert (found.file, found.function, found.tools) == (FILE, "f", ("sparse",))
    assert "context imbalance in 'f'" in found.message
    assert str(tmp_path) not in found.message


@needs_sparse
def test_sparse_says_nothing_of_what_was_there_before(tmp_path: Path) -> None:
    assert by_sparse(tmp_path, states(UNBALANCED, b"/* moved */\n" + UNBALANCED)) == ()


@needs_sparse
def test_sparse_sees_a_file_that_the_series_adds_with_its_neighbour_s_flags(tmp_path: Path) -> None:
    source, build = built(tmp_path)
    applied = Applied(
        landings=(PatchLanding(number=1, subject="", status="applied", hunks=()),),
        prefixes=({}, {"mm/new.c": UNBALANCED, "mm/own.h": b"#define OWN 7\n"}),
    )
    of = States(applied, lambda _path: None)
    rows = table().sparse
    found = sparse(of, source=source, builds=(build,), rows=rows, scratch=tmp_path, deadline=soon())
    assert ("mm/new.c", "sparse/context-imbalance") in {(one.file, one.rule) for one in found}


@needs_sparse
def test_sparse_without_a_build_says_so(tmp_path: Path) -> None:
    applied = Applied(
        landings=(PatchLanding(number=1, subject="", status="applied", hunks=()),),
        prefixes=({}, {"kernel/b.c": b"int x;\n"}),
    )
    with pytest.raises(Unusable, match="no build of this tree"):
        by_sparse(tmp_path, States(applied, lambda _path: b""))


@needs_sparse
@pytest.mark.parametrize("broken", [0, 1], ids=["base", "end"])
def test_a_file_that_sparse_dies_on_is_no_ground_for_findings(tmp_path: Path, broken: int) -> None:
    missing = UNBALANCED.replace(b"own.h", b"gone.h")
    versions = (missing, UNBALANCED) if broken == 0 else (BALANCED, missing)
    (found,) = by_sparse(tmp_path, states(*versions))
    assert (found.rule, found.file, found.line, found.severity) == ("sparse/not-read", FILE, 0, "note")
    assert "unable to open 'gone.h'" in found.message
    assert str(tmp_path) not in found.message


def test_a_view_is_the_tree_with_the_overlay(tmp_path: Path) -> None:
    source, _build = built(tmp_path)
    root = tmp_path / "view"
    view(
        root,
        source,
        {"mm/a.c": b"new", "mm/own.h": None, "new/deep/x.c": b"x", "../out": b"no", "/abs": b"no"},
    )
    files = {path: (root / path).read_bytes() for path in ("mm/a.c", "new/deep/x.c", "kernel/b.c")}
    assert files == {"mm/a.c": b"new", "new/deep/x.c": b"x", "kernel/b.c": b""}
    assert not (root / "mm/own.h").exists()
    assert (source / "mm/a.c").read_bytes() == BALANCED, "the tree as given is only read"
    assert not (tmp_path / "out").exists()


# coccinelle

CODE = b"""
int lock_return_fires(int a)
{
	rcu_read_lock();
	if (a)
		return 0;
	rcu_read_unlock();
	return 1;
}

int lock_return_fires_for_spinlocks(struct s *s)
{
	spin_lock_irqsave(&s->l, flags);
	if (s->a) {
		s->b = 1;
		return 0;
	}
	spin_unlock_irqrestore(&s->l, flags);
	return 1;
}

void lock_return_quiet_when_taken_for_the_caller(struct s *s)
{
	spin_lock(&s->l);
	s->a = 1;
}

int lock_return_quiet_before_the_lock(int a)
{
	if (a)
		return 0;
	rcu_read_lock();
	g();
	rcu_read_unlock();
	return 1;
}

int lock_return_quiet_under_one_condition(int a)
{
	if (a)
		mutex_lock(&m);
	g();
	if (a)
		mutex_unlock(&m);
	return 1;
}

int lock_return_quiet_at_the_common_end(int a)
{
	if (a)
		mutex_lock(&m);
	if (g())
		goto out;
	h();
out:
	if (a)
		mutex_unlock(&m);
	return 1;
}

int alloc_unchecked_fires(void)
{
	struct s *s = kzalloc(sizeof(*s), GFP_KERNEL);

	s->a = 1;
	return g(s);
}

int alloc_unchecked_quiet_after_a_test(void)
{
	struct s *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (unlikely(!s))
		return -ENOMEM;
	s->a = 1;
	return g(s);
}

void alloc_unchecked_quiet_inside_a_test(void)
{
	s = kmalloc(4, GFP_KERNEL);
	if (s)
		s->a = 1;
}

int reference_return_fires(struct m *m)
{
	css_get(&m->css);
	if (m->a)
		return 1;
	css_put(&m->css);
	return 0;
}

struct page *reference_return_quiet_when_given_away(struct page *p)
{
	get_page(p);
	if (a)
		return p;
	put_page(p);
	return NULL;
}

void sleep_in_lock_fires(struct s *s)
{
	spin_lock(&s->l);
	s->a = kmalloc(4, GFP_KERNEL);
	spin_unlock(&s->l);
}

void sleep_in_lock_fires_in_rcu(void)
{
	rcu_read_lock();
	synchronize_rcu();
	rcu_read_unlock();
}

void sleep_in_lock_quiet(struct s *s)
{
	spin_lock(&s->l);
	s->a = kmalloc(4, GFP_ATOMIC);
	spin_unlock(&s->l);
	mutex_lock(&m);
}

void use_after_free_fires(struct s *s)
{
	kfree(s);
	if (s->a)
		g();
}

void use_after_free_quiet_after_another_value(struct s *s)
{
	kfree(s);
	s = g();
	s->a = 1;
}

void use_after_free_quiet_in_the_next_round(struct l *l)
{
	list_for_each_entry_safe(a, b, l, c) {
		g(a->x);
		kfree(a);
	}
}
"""
UNLOCKED = CODE[: CODE.index(b"int lock_return_fires_for")]


def by_coccinelle(directory: Path, of: States, *files: str) -> tuple[Finding, ...]:
    every = table().coccinelle
    rows = msgspec.structs.replace(every, rows=tuple(row for row in every.rows if row.file in files))
    return coccinelle(of, rows=rows, scratch=directory, deadline=soon())


@needs_spatch
def test_semantic_patches_fire_where_they_should_and_nowhere_else(tmp_path: Path) -> None:
    rules = {row.file: row.rule for row in table().coccinelle.rows}
    assert set(rules) == {path.name for path in COCCI.glob("*.cocci")}
    of = states(b"", CODE)
    source = of[1].source(FILE)
    assert source is not None
    found = by_coccinelle(tmp_path, of, *rules)
    expected = {
        (rule, function.name)
        for file, rule in rules.items()
        for function in source.functions
        if function.name.startswith(f"{Path(file).stem}_fires")
    }
    assert {rule for rule, _function in expected} == set(rules.values())
    assert sorted((one.rule, one.function) for one in found) == sorted(expected)
    first = found[0]
    assert (first.source, [step.text for step in first.related]) == ("\t\treturn 0;", ["rcu_read_lock();"])


@needs_spatch
def test_only_what_the_series_brings_counts(tmp_path: Path) -> None:
    of = states(UNLOCKED, UNLOCKED.replace(b"return 1", b"return 2"))
    assert touched_functions(of, FILE) == frozenset({"lock_return_fires"})
    assert by_coccinelle(tmp_path, of, "lock_return.cocci") == ()


def test_functions_that_are_not_looked_at_are_blanked_line_for_line() -> None:
    before = b"int f(void)\n{\n\treturn 1;\n}\nint g(void)\n{\n\treturn 1;\n}\n"
    of = states(before, before.replace(b"\treturn 1;\n}\n", b"\treturn 2;\n}\n").replace(b"2", b"1", 1))
    assert touched_functions(of, FILE) == frozenset({"g"})
    source = of[1].source(FILE)
    assert source is not None
    assert only(source, frozenset({"g"})) == b"\n\n\n\nint g(void)\n{\n\treturn 2;\n}\n"


def test_marked_lines() -> None:
    text = (
        "--- a.c",
        "+++ /x",
        "@@ -3,4 +3,3 @@ int f()",
        " a",
        "-b",
        "+n",
        "--c",
        " d",
        "@@ -9 +8,0 @@",
        "-e",
        "- no",
    )
    assert marked(text) == [4, 5, 9]


# gcc


def test_a_compiler_warning_gets_the_line_that_brings_its_names() -> None:
    base = b"int f(void)\n{\n\tint x = 0;\n\treturn x;\n}\n"
    after = base + b"static int g(void)\n{\n\tint x;\n\treturn 1;\n}\n"
    warnings = [
        CompilerWarning(file=FILE, message="unused variable 'x'", option="-Wunused-variable"),
        CompilerWarning(file=FILE, message="'g' defined but not used", option="-Wunused-function"),
        CompilerWarning(file=FILE, message="something else"),
        CompilerWarning(file="mm/untouched.c", message="unused variable 'x'"),
    ]
    found = compiler_findings(states(base, base + b"\n", after), warnings)
    assert [(one.rule, one.line, one.function, one.patch) for one in found] == [
        ("gcc/other", 0, "", 2),
        ("gcc/unused-function", 6, "g", 2),
        ("gcc/unused-variable", 8, "g", 2),
    ]
    assert found[2].message == "unused variable 'x' [-Wunused-variable]"


# joining


def one_finding(rule: str, line: int, tool: str = "harness", **more: object) -> Finding:
    fields: dict[str, object] = {
        "severity": "warning",
        "patch": 1,
        "file": FILE,
        "function": "f",
        "message": "",
        "why": "",
        "tools": (tool,),
        **more,
    }
    return Finding(rule=rule, line=line, **fields)  # type: ignore[arg-type]


LOCKS = msgspec.structs.replace(
    table(), same={"locks": ("unbalanced", "sparse/context*", "cocci/lock")}, near=3
)


def test_one_defect_is_one_finding() -> None:
    ours = one_finding("unbalanced", 20, severity="error")
    others = [
        one_finding("sparse/context-imbalance", 5, "sparse"),
        one_finding("cocci/lock", 21, "coccinelle"),
    ]
    (found,) = joined([ours], others, LOCKS)
    assert (found.rule, found.line, found.severity) == ("unbalanced", 20, "error")
    assert found.tools == ("harness", "sparse", "coccinelle")


def test_two_tools_agree_without_us_and_the_graver_severity_counts() -> None:
    others = [
        one_finding("sparse/context-imbalance", 5, "sparse", severity="note"),
        one_finding("cocci/lock", 21, "coccinelle"),
    ]
    (found,) = joined([], others, LOCKS)
    assert (found.tools, found.severity) == (("coccinelle", "sparse"), "warning")


@pytest.mark.parametrize(
    "other",
    [
        one_finding("cocci/lock", 21, "coccinelle", file="mm/b.c"),
        one_finding("cocci/lock", 40, "coccinelle", function="g"),
        one_finding("gcc/other", 20, "gcc"),
    ],
    ids=["file", "function", "kind"],
)
def test_what_is_another_defect_stays(other: Finding) -> None:
    assert len(joined([one_finding("unbalanced", 20)], [other], LOCKS)) == 2


def test_ours_are_never_joined_and_one_tool_s_two_stay_two() -> None:
    ours = [one_finding("unbalanced", 20), one_finding("unbalanced", 21)]
    assert len(joined(ours, [], LOCKS)) == 2
    twice = [one_finding("cocci/lock", 19, "coccinelle"), one_finding("cocci/lock", 30, "coccinelle")]
    first, second = joined(ours, twice, LOCKS)
    assert [one.tools for one in (first, second)] == [("harness", "coccinelle"), ("harness", "coccinelle")]


def test_whole_patches_are_not_near_each_other() -> None:
    two = [
        one_finding("x", 0, "checkpatch", file="", function=""),
        one_finding("x", 0, "gcc", file="", function=""),
    ]
    assert len(joined([], two, LOCKS)) == 2


# together


@needs_sparse
@needs_spatch
def test_outside_says_what_each_tool_did(tmp_path: Path) -> None:
    source, build = built(tmp_path)
    code = BALANCED + CODE[CODE.index(b"void use_after_free_fires") :]
    kit = Kit(source=source, builds=(build,))
    found = outside(states(BALANCED, code), (), kit, deadline=soon())
    assert [one.rule for one in found.findings if one.tools == ("coccinelle",)] == [
        "coccinelle/use-after-free"
    ]
    lines = dict(text.split(": ", 1) for text in found.tools)
    assert lines["checkpatch"] == "not used: no scripts/checkpatch.pl of Linux 4.0 or later at hand"
    assert lines["sparse"].startswith("0.6") or "new finding" in lines["sparse"]
    assert lines["coccinelle"].endswith("5 rules, 1 new finding")


def tree_at(home: Path) -> Tree:
    return Tree(
        name="t",
        version=Version(2, 6, 27),
        origin="t",
        kind="directory",
        fingerprint="",
        source=home / "src",
    )


def kit_at(home: Path, cache: Path, checkpatch: Path | None = None) -> Kit:
    return kit_for(home / "src", tree_at(home), cache=cache, checkpatch=checkpatch)


def put_script(home: Path, text: str) -> Path:
    path = home / "src" / SCRIPT
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_the_kit_of_an_old_tree_takes_a_newer_checkpatch(tmp_path: Path) -> None:
    trees = tmp_path / "trees"
    put_script(trees / "old", "my $V = '0.19';")
    newer = put_script(trees / "new", STAND_IN)
    for name in ("plain", "see"):
        (trees / "old/build" / name).mkdir(parents=True)
    os.utime(trees / "old/build/plain", (1, 1))
    kit = kit_at(trees / "old", cache=tmp_path)
    assert kit.checkpatch == newer
    assert [path.name for path in kit.builds] == ["see", "plain"]
    assert kit_at(trees / "new", cache=tmp_path).checkpatch == newer


def test_a_checkpatch_that_a_series_has_changed_is_never_run(tmp_path: Path) -> None:
    home = tmp_path / "trees/t"
    put_script(home, STAND_IN)
    (home / "lock").touch()
    put(tree_at(home), {SCRIPT: STAND_IN.encode() + b"# hostile"})
    assert kit_at(home, cache=tmp_path).checkpatch is None


def test_a_checkpatch_that_was_named_and_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no\.pl: .*cannot be read"):
        kit_at(tmp_path, cache=tmp_path, checkpatch=tmp_path / "no.pl")


def test_a_missing_tool_costs_its_own_findings_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("perl", "setpriv", "prlimit"):
        (programs / name).symlink_to(shutil.which(name) or "")
    monkeypatch.setenv("PATH", str(programs))
    kit = Kit(checkpatch=script(tmp_path), source=tmp_path, builds=(tmp_path,))
    found = outside(states(BASE, FIRST, SECOND), PATCHES, kit, deadline=soon())
    assert {one.tools for one in found.findings} == {("checkpatch",)}
    assert found.tools[1:] == ("sparse: not used: not installed", "coccinelle: not used: not installed")


def test_a_tool_that_hangs_is_ended(tmp_path: Path) -> None:
    slow = script(tmp_path, STAND_IN + "\nsleep 600;\n")
    found = outside(states(BASE, FIRST), PATCHES, Kit(checkpatch=slow), deadline=Deadline.after(0.5))
    assert found.tools[0] == "checkpatch: not used: prlimit: ended after its time was up"


def test_output_is_bounded(tmp_path: Path) -> None:
    flood = 'print "x" x 2100, "\\n" for 1..20010'
    lines = ask(["perl", "-e", flood], cwd=tmp_path, deadline=soon()).lines
    assert len(lines) == 20_000
    assert {len(text) for text in lines} == {2_000}


def test_memory_is_bounded(tmp_path: Path) -> None:
    hungry = "my $x = 'y' x (6 << 30); print 'had it all'"
    assert "had it all" not in "".join(ask(["perl", "-e", hungry], cwd=tmp_path, deadline=soon()).lines)


# the table


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ('pattern: "uninitialized"', 'pattern: "(un"', "gcc/uninitialized"),
        ("file: lock_return.cocci", "file: gone.cocci", r"no file 'gone\.cocci'"),
        ("near: 3", "naer: 3", "did you mean 'near'"),
        (
            'rule: gcc/other\n      severity: warning\n      pattern: ""',
            'rule: o\n      severity: note\n      pattern: "x"',
            "empty pattern",
        ),
    ],
    ids=["pattern", "file", "key", "rest"],
)
def test_a_table_with_a_mistake_is_refused(tmp_path: Path, old: str, new: str, error: str) -> None:
    text = TABLE.read_text()
    assert old in text
    path = tmp_path / "tools.yaml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(UserError, match=error):
        table(path)


def test_rules_that_are_said_to_be_the_same_exist() -> None:
    rows = table()
    known = {
        *(row.rule for row in rows.sparse.rows),
        *(row.rule for row in rows.gcc.rows),
        *(row.rule for row in rows.coccinelle.rows),
        *load_rules(),
    }
    named = [name for names in rows.same.values() for name in names if not name.startswith("checkpatch/")]
    assert set(named) <= known
    assert len(named) == len(set(named)), "a rule names one kind of defect"


@pytest.mark.parametrize(
    ("message", "rule", "function"),
    [
        (
            "context imbalance in 'f' - different lock contexts for basic block",
            "sparse/context-imbalance",
            "f",
        ),
        ("incorrect type in argument 1 (different address spaces)", "sparse/address-space", ""),
        ("Using plain integer as NULL pointer", "sparse/null-as-integer", ""),
        ("something new", "sparse/other", ""),
    ],
)
def test_messages_of_sparse(message: str, rule: str, function: str) -> None:
    row, named = table().sparse.row(message)
    assert (row.rule, named) == (rule, function)


def test_no_remark_of_a_tool_alone_is_an_error() -> None:
    rows = table()
    every = {
        *(row.severity for row in rows.checkpatch.rows),
        *(row.severity for row in rows.sparse.rows),
        *(row.severity for row in rows.gcc.rows),
        *(row.severity for row in rows.coccinelle.rows),
    }
    assert "error" not in every
    assert rows.checkpatch.row("SPACING")[0] == rows.checkpatch.row("A_TYPE_OF_TOMORROW")[0] == "note"
