# SPDX-License-Identifier: GPL-2.0-only
"""How git is run: untouched by what its user, a hook or a repository's owner has set up around us."""

from __future__ import annotations

GIT = ("env", "-u", "GIT_DIR", "-u", "GIT_WORK_TREE", "-u", "GIT_INDEX_FILE", "-u", "GIT_PREFIX", "git")
"""git, also when a hook of another repository started us"""

ALONE = {
    "LC_ALL": "C",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
}
"""environment: no configuration but the repository's own, no question, nothing fetched or written aside"""
