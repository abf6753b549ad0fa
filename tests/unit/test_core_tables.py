# SPDX-License-Identifier: GPL-2.0-only
"""Tables: every mistake is one line with file, line and mend."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.paths import CONFIGS
from harness.pipeline.plan import Plan, load_plan
from harness.tables import load
from harness.workloads.catalogue import choose

_GOOD = "name: mine\ntree: debian\nseries: ../s\nworkloads: [anon]\n"


def _error(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        load(path, Plan)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(f"{path}:")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "plan.yaml"


def test_a_good_plan_loads_with_paths_beside_it(table: Path) -> None:
    table.write_text(_GOOD)
    plan = load_plan(table)
    assert plan.tree == "debian"
    assert plan.series == str(table.parent.parent / "s")
    assert plan.seconds == 15.0


def test_unknown_key_names_line_and_nearest(table: Path) -> None:
    assert _error(table, _GOOD + "secnods: 3\n") == "5: unknown key 'secnods'; did you mean 'seconds'?"


def test_unknown_key_inside_a_mapping_names_its_own_line(table: Path) -> None:
    message = _error(table, _GOOD + "guest:\n  cpus: 2\n  memory: 5\n")
    assert message == "7: unknown key 'memory'; did you mean 'memory_mb'?"


def test_a_key_in_the_wrong_place_is_told_its_own(table: Path) -> None:
    assert _error(table, _GOOD + "cpus: 1\n") == "5: unknown key 'cpus'; it belongs below 'guest'"
    message = _error(table, _GOOD + "guest:\n  seconds: 2\n")
    assert message == "6: unknown key 'seconds'; it belongs at the top"


def test_wrong_type_names_line_and_place(table: Path) -> None:
    assert _error(table, _GOOD + "guest:\n  cpus: two\n").startswith(
        "6: expected `int`, got `str`, in guest.cpus"
    )


def test_wrong_item_of_a_list(table: Path) -> None:
    assert _error(table, _GOOD + "ifaces:\n  - v1\n  - v9\n").startswith("7: invalid enum value 'v9'")


def test_missing_key_is_named(table: Path) -> None:
    assert "missing required field `name`" in _error(table, "tree: debian\n")


def test_a_key_given_twice_is_refused(table: Path) -> None:
    assert _error(table, _GOOD + "seed: 1\nseed: 2\n") == "6: key 'seed' is given twice; keep one"


@pytest.mark.parametrize("text", ["a: [", "\tx: 1", "a: b: c", "- !!python/object:os.system x", "[" * 5000])
def test_what_is_not_yaml(table: Path, text: str) -> None:
    assert "not YAML" in _error(table, text)


def test_not_there_and_not_text(table: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: No such file"):
        load(table, Plan)
    table.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        load(table, Plan)


def test_an_interface_named_twice(table: Path) -> None:
    table.write_text(_GOOD + "ifaces: [v1, v1]\n")
    with pytest.raises(UserError, match="named twice"):
        load_plan(table)


def test_shipped_plans_load_and_their_workloads_exist() -> None:
    for path in (CONFIGS / "default.yaml", CONFIGS / "planted-fault.yaml"):
        plan = load_plan(path)
        chosen = choose(CONFIGS / "workloads.yaml", plan.workloads, str(path))
        assert [row.name for row in chosen] == list(plan.workloads)


_RACE = """
import sys, threading
from harness.console.detector import Detector
from harness.memcg.interface import load_table
sys.setswitchinterval(1e-6)
together = threading.Barrier(4)
def first(use):
    together.wait()
    use()
threads = [threading.Thread(target=first, args=(use,))
           for use in (Detector, Detector, load_table, load_table)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_tables_first_loaded_by_several_threads_at_once() -> None:
    """msgspec crashed on this in about one of three processes; ten make a miss unlikely."""
    children = [subprocess.Popen([sys.executable, "-c", _RACE]) for _ in range(10)]
    assert [child.wait() for child in children] == [0] * 10


def test_an_unknown_workload_names_the_nearest() -> None:
    with pytest.raises(UserError, match="no workload 'anom'; did you mean 'anon'"):
        choose(CONFIGS / "workloads.yaml", ["anom"], "plan.yaml")
