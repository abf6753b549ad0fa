# SPDX-License-Identifier: GPL-2.0-only
"""Series over time as SVG: panels with axes, lines, areas and bands. The same input gives the same bytes.

No plotting library: docs/dependencies.md has the reasons. Text goes through ElementTree, which escapes it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

import msgspec

from harness.report.plaintext import line

WIDTH = 960
NARROW = 560
_RIGHT = 20
_TICKS = 5
_INK, _GRID, _PAPER = "#24292f", "#d8dee4", "#ffffff"
_FONT = "system-ui, sans-serif"
_LONGEST = 140
"""characters of a text, about as many as fit"""

Points = Sequence[tuple[float, float]]


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One thing over time."""

    name: str
    points: Points
    colour: str
    area: bool = False
    """filled down to zero; the larger have to come first"""


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """Where values may be."""

    name: str
    low: float
    high: float
    colour: str = "#1a7f37"


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """How large things are, in the picture's own units."""

    width: int
    left: int
    """what the vertical axis' labels take"""
    head: int
    """above each panel, for its title and the legend"""
    foot: int
    font: int
    panel: int
    """height of a panel"""
    bare: bool = False
    """without title and notes, which stand beside it, and with the legend below a panel's title"""


WIDE = Form(width=WIDTH, left=84, head=34, foot=24, font=12, panel=200)
"""a file of its own"""
SMALL = Form(width=NARROW, left=96, head=58, foot=28, font=15, panel=150, bare=True)
"""within a page; can be read when it is scaled to a phone"""


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """One pair of axes; the horizontal one is seconds and the same for all panels."""

    title: str
    series: tuple[Series, ...]
    band: Band | None = None


def picture(
    title: str, notes: Sequence[str], panels: Sequence[Panel], until: float, form: Form = WIDE
) -> bytes:
    """The whole SVG: *title*, *notes* a line each, *panels* below each other.

    The workload ran until *until*, in seconds.
    """
    top = 0 if form.bare else 34 + 18 * len(notes)
    total = top + (form.panel + form.head + form.foot) * len(panels)
    root = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {form.width} {total}",
            "width": str(form.width),
            "height": str(total),
            "font-family": _FONT,
            "font-size": str(form.font),
            "fill": _INK,
            "role": "img",
        },
    )
    SubElement(root, "title").text = line(title)
    SubElement(root, "rect", {"width": str(form.width), "height": str(total), "fill": _PAPER})
    if not form.bare:
        _text(root, form.left, 22, title, font_size="16", font_weight="600")
        for index, note in enumerate(notes):
            _text(root, form.left, 42 + 18 * index, note)
    last = max((at for panel in panels for one in panel.series for at, _ in one.points), default=1.0)
    for panel in panels:
        _Axes(root, panel, form, top + form.head, last or 1.0).draw(until)
        top += form.panel + form.head + form.foot
    drawn: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return drawn + b"\n"


class _Axes:
    """Draws one panel whose plot begins at *top*."""

    def __init__(self, root: Element, panel: Panel, form: Form, top: float, last: float) -> None:
        values = [value for one in panel.series for _, value in one.points]
        if panel.band:
            values += [panel.band.low, panel.band.high]
        self.low, self.high, self.step = _scale(min([0.0, *values]), max([0.0, *values]))
        self.root, self.panel, self.form, self.top, self.last = root, panel, form, top, last
        self.bottom = top + form.panel

    def x(self, at: float) -> float:
        return self.form.left + (self.form.width - self.form.left - _RIGHT) * at / self.last

    def y(self, value: float) -> float:
        return self.bottom - self.form.panel * (value - self.low) / (self.high - self.low)

    def draw(self, until: float) -> None:
        self._rest(until)
        if self.panel.band:
            self._band(self.panel.band, min(until, self.last))
        self._grid()
        areas = [one for one in self.panel.series if one.area]
        for one in (*areas, *(one for one in self.panel.series if not one.area)):
            self._line(one)
        self._legend()

    def _rest(self, until: float) -> None:
        """What comes after the workload is not held to the same."""
        if until < self.last:
            width = self.x(self.last) - self.x(until)
            self._rect(self.x(until), self.top, width, self.form.panel, "#f6f8fa")
            style = {"fill": "#57606a"}
            at = self.x(until) + 4
            if width < 8 * self.form.font:  # it would run out of the picture
                at, style["text_anchor"] = self.x(self.last), "end"
            _text(self.root, at, self.top + self.form.font + 2, "workload ended", **style)

    def _band(self, band: Band, until: float) -> None:
        high, low = self.y(band.high), self.y(band.low)
        self._rect(
            self.form.left, high, self.x(until) - self.form.left, max(low - high, 1.0), band.colour, "0.13"
        )

    def _rect(self, x: float, y: float, width: float, height: float, colour: str, opacity: str = "1") -> None:
        box = {"x": _at(x), "y": _at(y), "width": _at(width), "height": _at(height)}
        SubElement(self.root, "rect", {**box, "fill": colour, "fill-opacity": opacity})

    def _grid(self) -> None:
        for index in range(round((self.high - self.low) / self.step) + 1):
            value = self.low + index * self.step
            colour = _INK if abs(value) < self.step / 2 else _GRID
            self._rule(self.form.left, self.y(value), self.x(self.last), self.y(value), colour)
            _text(self.root, self.form.left - 8, self.y(value) + 4, _size(value), text_anchor="end")
        _, high, step = _scale(0.0, self.last)
        for index in range(math.floor(min(high, self.last) / step + 1e-9) + 1):
            where = self.x(index * step)
            self._rule(where, self.bottom, where, self.bottom + 4, _INK)
            _text(
                self.root,
                where,
                self.bottom + self.form.font + 5,
                f"{index * step:g} s",
                text_anchor="middle",
            )

    def _rule(self, x1: float, y1: float, x2: float, y2: float, colour: str) -> None:
        ends = {"x1": _at(x1), "y1": _at(y1), "x2": _at(x2), "y2": _at(y2)}
        SubElement(self.root, "line", {**ends, "stroke": colour})

    def _line(self, one: Series) -> None:
        if not one.points:
            return
        path = " ".join(f"{_at(self.x(at))},{_at(self.y(value))}" for at, value in one.points)
        if one.area:
            zero = _at(self.y(0.0))
            start, end = _at(self.x(one.points[0][0])), _at(self.x(one.points[-1][0]))
            shape = {"points": f"{start},{zero} {path} {end},{zero}", "fill": one.colour}
            SubElement(self.root, "polygon", shape)
        else:
            style = {"fill": "none", "stroke": one.colour, "stroke-width": "1.6", "stroke-linejoin": "round"}
            SubElement(self.root, "polyline", {"points": path, **style})

    def _legend(self) -> None:
        form = self.form
        title = self.top - form.head + form.font + 9 if form.bare else self.top - 10
        _text(self.root, form.left, title, self.panel.title, font_weight="600")
        shown = [(one.name, one.colour, "1") for one in self.panel.series]
        if self.panel.band:
            shown.append((self.panel.band.name, self.panel.band.colour, "0.3"))
        widths = [0.55 * form.font * len(name) + 34 for name, _, _ in shown]
        x = float(form.left) if form.bare else form.width - _RIGHT - sum(widths) + 12
        for (name, colour, opacity), width in zip(shown, widths, strict=True):
            self._rect(x, self.top - 19, 11, 11, colour, opacity)
            _text(self.root, x + 16, self.top - 10, name)
            x += width


def _scale(low: float, high: float) -> tuple[float, float, float]:
    """Ends and step of an axis that holds both, the step 1, 2 or 5 times a power of the unit in use."""
    span = high - low or 1.0
    unit = _unit(max(abs(low), abs(high)))[0]
    rough = span / _TICKS / unit
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough) * unit
    return math.floor(low / step) * step, math.ceil(high / step) * step or step, step


def _unit(size: float) -> tuple[float, str]:
    """The binary unit in which *size* is told; seconds are far below the first."""
    return next(
        ((unit, name) for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")) if size >= unit), (1.0, "")
    )


def _size(value: float) -> str:
    unit, name = _unit(abs(value))
    return f"{value / unit:.4g} {name}".rstrip()


def _at(number: float) -> str:
    return f"{number:.1f}"


def _text(root: Element, x: float, y: float, words: str, **style: str) -> None:
    """*words* from *x* on, on the base line *y*; *style* are attributes, with ``_`` for ``-``."""
    how = {name.replace("_", "-"): value for name, value in style.items()}
    SubElement(root, "text", {"x": _at(x), "y": _at(y), **how}).text = line(words, _LONGEST)
