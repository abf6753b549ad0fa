# SPDX-License-Identifier: GPL-2.0-only
"""Kernel C made plain C of the same length, so that a parser without a preprocessor can read it.

What macros make of the language (attributes that look like types, loops that look like calls, types as
arguments) is written over with C that has the same shape. No byte moves and every line end stays, so a
position in the smoothed text is the position in the file; names are read from the file itself.

Every pattern is bounded: on a hostile file the work stays proportional to its size.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# Words that stand where C has none: sections, sparse annotations, calling conventions.
_ATTRIBUTES = re.compile(
    rb"\b(?:__(?:(?:dev|cpu|mem|net_?|paging|page_?)?(?:init|exit)(?:_?(?:data|const|memblock|rodata|call))*(?:_refok|_or_module)?"
    rb"|initdata_memblock|initdata_or_meminfo|ref|refdata|refconst|init_refok|initdata_refok|exit_refok"
    rb"|sched|kprobes|lockfunc|user|kernel|iomem|percpu|rcu|force|bitwise__?|bitwise|nocast|safe|private|must_check"
    rb"|read_mostly|page_aligned_(?:data|bss)|cacheline_aligned(?:_in_smp)?|cold|hot|pure|const|weak|used|unused"
    rb"|maybe_unused|always_unused|attribute_const__|attribute_used__|latent_entropy|ro_after_init"
    rb"|randomize_layout|noreturn|deprecated|packed|malloc|noclone|flatten|visible|bpf_kfunc|no_kcsan|nocfi"
    rb"|no_sanitize_address|no_sanitize_undefined|no_kasan_or_inline|no_profile|nosavedata|cpuidle|irq_entry"
    rb"|softirq_entry|exception_irq_entry|nonstring|no_sanitize_or_inline|no_stack_protector|mod_init|noinitretpoline"
    rb"|noendbr|vsyscall_fn|tracepoint_ptr_t|unevictable_ifdef)"
    rb"|____cacheline_(?:internodealigned|aligned)(?:_in_smp)?|__{3}cacheline_aligned(?:_in_smp)?|asmlinkage"
    rb"|__visible_for_testing|noinline(?:_for_stack|_for_tracing)?|noinstr|notrace|fastcall|FASTCALL|debug_noinline"
    rb"|STATIC_IF_\w{1,40}|nokprobe_inline|randomized_struct_fields_(?:start|end)|NORET_TYPE|ATTRIB_NORET)"
    rb"\b(?!\s{0,8}\()"
)
_CALLED_ATTRIBUTES = re.compile(
    rb"\b(?:__(?:acquires|releases|acquire|release|must_hold|must_not_hold|cond_acquires|cond_lock_type|aligned"
    rb"|section|printf|scanf|counted_by|alloc_size|realloc_size|assume_aligned|no_sanitize|attribute__|alias"
    rb"|nonnull|optimize|diag_\w{1,30}|cleanup|free|guarded_by)|___ARCH_SI_\w{1,20}|ACQUIRE|RELEASE)\s{0,8}\("
)
_TYPEOF = re.compile(rb"\b(?:__)?(?:typeof|alignof)(?:__|_unqual)?\s{0,4}\(")
_INLINE = re.compile(rb"\b(?:__always_inline|__inline__|__inline|inline_|__no_kasan_or_inline|inline_map)\b")
# `name(…) {` on an indented line is a loop of a macro; these are loops without a brace too.
_LOOP_NAMED = re.compile(
    rb"(?i:\b\w{0,40}for_?each\w{0,60})(?=\s{0,8}\()|\b(?:skb_(?:queue_)?walk\w{0,20}|do_each_\w{1,40}|while_each_\w{1,40})(?=\s{0,8}\()"
)
_LOOP_BRACED = re.compile(
    rb"(?<=[\t ])(?!(?:if|for|while|switch|sizeof|return|do|else)\b)[a-zA-Z_]\w{0,60}(?=\()"
)
_TYPE = (
    rb"(?:const[ \t]{1,4})?(?:(?:struct|union|enum)[ \t]{1,4}\w{1,80}"
    rb"|(?:(?:unsigned|signed|long|short|int|char|void|float|double|bool)\b[ \t]{0,4}){1,5})"
    rb"(?:[ \t]{0,8}const\b)?(?:[ \t]{0,8}\*){0,3}"
)
# A type as an argument: behind a comma, before a comma or the end; or first, before a comma.
_TYPE_ARGUMENT = re.compile(rb"(?:(?<=,)|(?<=\w\())([ \t\n]{0,40})(" + _TYPE + rb")(?=[ \t]{0,8}[,)])")
# alloc_percpu(struct x): one type as the only argument; f(void) is a declaration.
_ONLY_TYPE = re.compile(
    rb"(?<=[a-z_]\()(?<!sizeof\()(?!(?:const[ \t])?void\b)(" + _TYPE + rb")(?=\)[ \t]{0,4}[;,)])"
)
_OFFSETOF = re.compile(rb"\boffsetof(?=\()")
# A declaration whose arguments are expressions: a call to the parser, when nothing stands before it.
_DECLARING = re.compile(
    rb"\b(?:static|extern)(?=[ \t]{1,8}(?:[A-Z][A-Z0-9]{1,20}_){1,5}[A-Z0-9]{1,20}\([^;={}]{0,300};)"
)
_RANGE = re.compile(rb"(\bcase\b[^:;?{}\n]{1,120}?)(\.\.\.[^:;?{}\n]{1,120})(?=:)")
_BITMAP = re.compile(
    rb"\bDECLARE_BITMAP\([ \t]{0,4}(\w{1,80})[ \t]{0,4}(,)([^;\n]{1,120})\)(?=[ \t]{0,4}[;=])"
)
_PER_CPU = re.compile(rb"\bDEFINE_PER_CPU\w{0,40}\([^();\n]{1,120},[ \t]{0,4}(\w{1,80})\)(?=\s{0,8}=)")
# A word between the type and the name of a function that only a macro can be.
_HEAD_WORD = re.compile(
    rb"^(?:[a-z_]\w{0,60}[ \t*]{1,8}){1,6}?(__[a-z]\w{0,60})(?=[ \t]{1,4}\*{0,2}\w{1,80}\()", re.MULTILINE
)
_HEAD_LINE = re.compile(rb"^__[a-z]\w{0,60}(?=[ \t]{0,8}\n[a-z])", re.MULTILINE)
_BEFORE_TYPE = re.compile(
    rb"\b(?:static|extern|inline|const|volatile|struct|union|enum|unsigned|typedef|return)[ \t*]*\Z"
)
_BARE_MACRO = re.compile(rb"^[A-Za-z_]\w{0,80}[ \t]{0,2}(?=\()", re.MULTILINE)
SYSCALL = re.compile(
    rb"^(?P<compat>COMPAT_)?SYSCALL(?:32)?_DEFINE[0-9]\(\s{0,4}(?P<name>\w{1,80})[ \t]{0,4}(?=[,)])",
    re.MULTILINE,
)
"""The head of a system call's definition, as far as its name."""
_DEFINE = re.compile(rb"^[ \t]*#[ \t]*define\b(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE)
_LOOP = b"while"
_NEAR = 1500
_DEEP = 16
_PARENTHESIS = re.compile(rb"[()]")
_OTHER = re.compile(rb"[^\n]")


def smoothed(data: bytes) -> bytes:
    """*data* with kernel macros replaced by plain C of the same length; line ends stay where they are."""
    kept: list[bytes] = []
    last = 0
    for define in _DEFINE.finditer(data):
        kept += [_smooth(data[last : define.start()]), define[0]]
        last = define.end()
    return b"".join([*kept, _smooth(data[last:])])


def _smooth(code: bytes) -> bytes:
    code = _over_calls(code, _CALLED_ATTRIBUTES, _blank)
    code = _over_calls(code, _TYPEOF, _name)
    code = _ATTRIBUTES.sub(lambda match: _blank(match[0]), code)
    code = _INLINE.sub(lambda match: b"inline".ljust(len(match[0])), code)
    code = _HEAD_WORD.sub(_head_word, code)
    code = _HEAD_LINE.sub(lambda match: _blank(match[0]), code)
    code = _DECLARING.sub(lambda match: _blank(match[0]), code)
    code = _BITMAP.sub(_bitmap, code)
    code = _PER_CPU.sub(_per_cpu, code)
    code = _RANGE.sub(lambda match: match[1] + _blank(match[2]), code)
    code = _syscalls(code)
    code = _TYPE_ARGUMENT.sub(lambda match: match[1] + _name(match[2]), code)
    code = _ONLY_TYPE.sub(lambda match: _name(match[1]), code)
    code = _OFFSETOF.sub(b"offset_o", code)
    code = _macro_lines(code)
    return _loops(code)


def _blank(text: bytes) -> bytes:
    return _OTHER.sub(b" ", text)


def _name(text: bytes) -> bytes:
    """An identifier as long as *text*, if it is on one line."""
    if b"\n" in text:
        return text
    return b"_" + re.sub(rb"\W", b"_", text[1:])


def _over_calls(code: bytes, pattern: re.Pattern[bytes], change: Callable[[bytes], bytes]) -> bytes:
    """Apply *change* to each ``word(…)`` that *pattern* finds the beginning of."""
    kept: list[bytes] = []
    last = 0
    for match in pattern.finditer(code):
        end = closing(code, match.end() - 1)
        if match.start() >= last and end > 0:
            kept += [code[last : match.start()], change(code[match.start() : end])]
            last = end
    return b"".join([*kept, code[last:]])


def closing(code: bytes, opening: int) -> int:
    """The offset behind the parenthesis that closes the one at *opening*; -1 when it is not near."""
    depth = 0
    for match in _PARENTHESIS.finditer(code, opening, opening + _NEAR):
        depth += 1 if match[0] == b"(" else -1
        if not depth:
            return match.end()
        if depth > _DEEP:
            break  # else text such as "a(a(a(…" would be gone through once for each "a("
    return -1


def _head_word(match: re.Match[bytes]) -> bytes:
    start = match.start(1) - match.start()
    before = match[0][:start]
    if _BEFORE_TYPE.search(before):
        return match[0]  # it is the type itself, such as __u32
    return before + b" " * len(match[1])


def _bitmap(match: re.Match[bytes]) -> bytes:
    """``DECLARE_BITMAP(map, N)`` as ``unsigned long  map[N]``."""
    text = bytearray(match[0])
    text[:15] = b"unsigned long  "
    text[match.start(2) - match.start()] = ord("[")
    text[-1] = ord("]")
    return bytes(text)


def _per_cpu(match: re.Match[bytes]) -> bytes:
    start = match.start(1) - match.start()
    return b"int".ljust(start) + match[1] + b" " * (len(match[0]) - start - len(match[1]))


def _syscalls(code: bytes) -> bytes:
    """``SYSCALL_DEFINE2(name, type, a, type, b)`` as ``long  name(type  a, type  b)``."""
    text = bytearray(code)
    for match in SYSCALL.finditer(code):
        end = closing(code, code.index(b"(", match.start()))
        if code[match.end() : match.end() + 1] == b",":
            start = match.start("name")
            text[match.start() : start] = b"long" + _blank(code[match.start() + 4 : start])
            commas = [at for at in range(match.end(), end) if code[at : at + 1] == b","]
            for at in commas[1::2]:
                text[at] = ord(" ")
            text[match.end()] = ord("(")
        else:
            text[match.start() : match.start() + 5] = b"long "
    return bytes(text)


def _macro_lines(code: bytes) -> bytes:
    """Blank ``MACRO(…)`` at the beginning of a line with neither ``;`` nor a body behind it."""
    kept: list[bytes] = []
    last = 0
    for match in _BARE_MACRO.finditer(code):
        if match.start() < last:
            continue
        end = closing(code, match.end())
        behind = code[end : end + 200].lstrip(b" \t") if end > 0 else b";"
        if behind[:1] not in (b"\n", b"") or behind.lstrip()[:1] in (b"{", b";", b",", b"=", b")"):
            continue
        if not _continues(code, match.start()):
            kept += [code[last : match.start()], _blank(code[match.start() : end])]
            last = end
    return b"".join([*kept, code[last:]])


def _continues(code: bytes, start: int) -> bool:
    """Is the line at *start* the rest of something, such as a function's type on the line before?"""
    before = code[max(0, start - 300) : start].rstrip()
    return before[-1:] not in (b"", b";", b"}", b"/", b")") and not before.rpartition(b"\n")[2].startswith(
        b"#"
    )


def _loops(code: bytes) -> bytes:
    """Write ``while`` over loop macros: ``for_each_x(…)`` at a statement, ``anything(…) {``."""
    text = bytearray(code)
    for pattern, braced in ((_LOOP_NAMED, False), (_LOOP_BRACED, True)):
        for match in pattern.finditer(code):
            if len(match[0]) < len(_LOOP) or not _at_statement(code, match.start()):
                continue
            opening = code.index(b"(", match.end())
            end = closing(code, opening)
            follows = code[end : end + 300].lstrip()[:1] if end > 0 else b""
            loop = follows == b"{" if braced else _is_loop(match[0], follows)
            if loop:
                text[match.start() : match.end()] = _LOOP.ljust(len(match[0]))
    return bytes(text)


def _is_loop(name: bytes, follows: bytes) -> bool:
    return name.startswith(b"while_each") or (follows != b"" and follows not in b";,)=?:.-+|&<>[")


def _at_statement(code: bytes, start: int) -> bool:
    line_start = code.rfind(b"\n", max(0, start - _NEAR), start) + 1
    if line_start == start:
        return False  # in the first column: a definition, not a statement
    before = code[max(0, start - _NEAR) : start].rstrip()
    line = code[line_start:start].strip()
    if not line and (before.endswith(b"*/") or before.rpartition(b"\n")[2].lstrip().startswith(b"#")):
        return True
    return before[-1:] in (b"{", b"}", b";", b")", b":") or before.endswith((b"else", b"do", b"*/"))
