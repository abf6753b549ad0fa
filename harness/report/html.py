# SPDX-License-Identifier: GPL-2.0-only
"""``report.html``: a run as one page, for people: no script, nothing fetched, as large as a mail may be.

What a kernel, a guest or a patch wrote goes through plaintext.clean() and jinja2's escaping, both for every
expression of the templates; nothing of it becomes an attribute but ids and paths that we made. A policy in
the page forbids scripts and requests all the same.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.files import write_whole
from harness.pipeline.model import Command, Run
from harness.report import wording
from harness.report.closest import closest
from harness.report.html_cases import Teller, anchors, counts, grave, matrix, rows, skips
from harness.report.html_limits import Budget, Limits
from harness.report.html_series import patches
from harness.report.plaintext import clean, excerpt
from harness.report.runfile import cut_off

NAME = "report.html"
MOST = 5_000_000
"""bytes of a page"""
_TEMPLATES = Path(__file__).with_name("templates")
_ONE = 30_000
"""characters of any one text; what may be longer is cut before"""
_FILES = ("run.json", "junit.xml", "repeat.sh", "harness.log")


def write_html(directory: Path, run: Run) -> Path:
    """Write *run* as ``report.html`` in *directory*, whole or not at all.

    Cheap enough for every step of a run: 0.2 s for 62 cases, of which the pictures take two thirds.
    """
    path = directory / NAME
    write_whole(path, document(directory, run))
    return path


def document(directory: Path, run: Run) -> bytes:
    """The page, UTF-8, less than :data:`MOST` bytes; with consoles and counters out of *directory*."""
    limits = Limits()
    page = _page(directory, run, limits)
    while len(page) >= MOST:
        limits = limits.halved()
        page = _page(directory, run, limits)
    return page


def page_below(directory: Path, name: str) -> str:
    """The page in the directory *name* below *directory*, as a path from there; "" where there is none."""
    return file_below(directory, f"{name}/{NAME}") if name else ""


def file_below(directory: Path, name: str) -> str:
    """*name*, a path that may come from anywhere, if it is of a file below *directory*; else ""."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        return ""
    try:
        return str(path) if (directory / path).is_file() else ""
    except OSError:  # too long, not for us to look at
        return ""


def fill(template: str, **values: Any) -> bytes:
    """*template* with *values*, the style sheet, and a policy that allows this sheet and nothing else."""
    style = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    # The sheet is a file of ours; in a <style> nothing may be escaped.
    text = _environment().get_template(template).render(style=Markup(style), policy=policy, **values)  # noqa: S704
    return text.encode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_fit,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=wording.number, duration=wording.duration, words=_words, path=_path, percent=_percent
    )
    return environment


def _fit(value: object) -> object:
    """What an expression of a template gives, before it is escaped."""
    return excerpt(value, _ONE) if isinstance(value, str) and not isinstance(value, Markup) else value


def _words(text: str, limit: int = 600) -> str:
    """One line, as plaintext.line() makes it."""
    return " ".join(excerpt(text, limit).split())


def _path(name: str) -> str:
    """A relative reference to a file beside the page, or below it; never one with a scheme."""
    return "./" + quote(clean(name))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share < 9.99 else "> 999 %"  # noqa: PLR2004 - as html_cases.rows() has it


def _page(directory: Path, run: Run, limits: Limits) -> bytes:
    known = anchors(run, limits)
    teller = Teller(directory, run, limits)
    failures = teller.failures(known)
    others = teller.others()
    commands = _commands(run, limits)
    return fill(
        "report.html",
        run=run,
        limits=limits,
        unfinished=cut_off(run),
        blames=list(dict.fromkeys((one.number, wording.blame(one, run)) for one in run.blames)),
        counts=counts(run),
        matrix=matrix(run, known, limits),
        failures=failures,
        untold=max(0, len(grave(run)) - len(failures)),
        idle=[cell for cell in run.cells if not cell.cases][: limits.rows],
        figures=others,
        undrawn=teller.undrawn,
        checks=rows((f"{one.cell} {one.case}", one.check) for one in run.drift[: limits.rows]),
        nearest=rows((f"{one.cell} {one.case}", one.check) for one in closest(run)[: limits.rows]),
        patches=patches(run, known, limits),
        skips=skips(run, limits),
        commands=commands,
        unsaid=len(run.commands) - len(commands),
        files=[name for name in (*_FILES, *_kept(run, limits)) if (directory / name).is_file()],
    )


def _commands(run: Run, limits: Limits) -> list[Command]:
    budget = Budget(limits.commands)
    return [one for one in run.commands[: limits.rows] if budget.take(len(one.command) + len(one.step))]


def _kept(run: Run, limits: Limits) -> list[str]:
    """The consoles; samples and pictures stand at their cases."""
    return [cell.console for cell in run.cells[: limits.rows] if cell.console]
