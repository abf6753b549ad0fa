# SPDX-License-Identifier: GPL-2.0-only
"""conf.py KCONFIG CONFIG TARGET: a Kconfig of a few keywords; see the README beside the Makefile."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Symbol:
    """One symbol of Kconfig."""

    kind: str = "bool"
    default: str = ""
    depends: list[str] = field(default_factory=list)


def read(path: Path, around: list[str], symbols: dict[str, Symbol]) -> None:
    """Every symbol of *path*: type, default, and what it depends on."""
    symbol = Symbol()
    for line in path.read_text().splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "config":
            symbol = symbols.setdefault(rest, Symbol(depends=list(around)))
        elif word in ("bool", "int"):
            symbol.kind = word
        elif word == "default":
            symbol.default = rest
        elif word == "depends":
            symbol.depends.extend(rest.removeprefix("on ").split(" && "))
        elif word == "if":
            around = [*around, rest]
        elif word == "endif":
            around = around[:-1]
        elif word == "source":
            read(path.parent / rest.strip('"'), around, symbols)


def complete(symbols: dict[str, Symbol], asked: dict[str, str]) -> dict[str, str]:
    """What comes of *asked*: unknown ones are dropped, and those whose dependencies are not met."""
    values = {name: asked.get(name, symbol.default) for name, symbol in symbols.items()}
    for _ in symbols:
        lost = [
            name
            for name, symbol in symbols.items()
            if values[name]
            and not all((values.get(one.lstrip("!")) == "y") != one.startswith("!") for one in symbol.depends)
        ]
        if not lost:
            break
        values |= dict.fromkeys(lost, "")
    return values


def main(kconfig: Path, config: Path, target: str) -> None:
    symbols: dict[str, Symbol] = {}
    read(kconfig, [], symbols)
    asked = {name: "" for name, symbol in symbols.items() if symbol.kind == "bool"}
    if target in ("olddefconfig", "oldconfig") and config.exists():
        asked = dict(re.findall(r"^CONFIG_(\w+)=(.*)$", config.read_text(), re.M))
        asked |= dict.fromkeys(re.findall(r"^# CONFIG_(\w+) is not set$", config.read_text(), re.M), "")
    lines = ["# Automatically generated file; DO NOT EDIT."]
    for name, value in complete(symbols, asked).items():
        if value and value != "n":
            lines.append(f"CONFIG_{name}={value}")
        elif symbols[name].kind == "bool":
            lines.append(f"# CONFIG_{name} is not set")
    config.write_text("\n".join(lines) + "\n")


main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
