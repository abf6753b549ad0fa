# SPDX-License-Identifier: GPL-2.0-only
"""Every rule that comes with the project."""

from __future__ import annotations

from functools import cache

from harness.analysis.rules_flow import FLOW_RULES
from harness.analysis.rules_local import LOCAL_RULES
from harness.analysis.scope import Rule
from harness.analysis.table import RuleRow, load_rules

RULES: tuple[Rule, ...] = (*FLOW_RULES, *LOCAL_RULES)


@cache
def shipped_rows() -> dict[str, RuleRow]:
    """The rows of the rules' tables, by id."""
    return load_rules()
