# SPDX-License-Identifier: GPL-2.0-only
"""The guest itself: its host key is checked, and SSH carries commands, exit codes and files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from harness.deadline import Deadline
from harness.errors import InfraError
from harness.events import silent
from harness.guest.accel import Accel
from harness.guest.image import prepare
from harness.guest.keys import Keys
from harness.guest.machine import Guest, Spec, booted
from harness.guest.snapshot import Snapshot
from harness.guest.ssh import connected
from harness.paths import QEMU, cache

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def guest(base_kernel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    deadline = Deadline.after(300)
    image = prepare(cache(), QEMU, jobs=2, listener=silent, deadline=deadline)
    console = tmp_path_factory.mktemp("guest") / "console.log"
    console.write_text("memcg-harness: ready\n")  # an earlier guest's word, not to be believed
    accel = Accel(name="tcg", why="works everywhere")
    with booted(base_kernel, image, Spec(), accel, console=console, deadline=deadline) as running:
        assert not running.failure, running.failure
        yield running


def test_what_an_earlier_guest_said_counts_for_nothing(guest: Guest) -> None:
    assert guest.console.text().count("memcg-harness: ready") == 1
    assert "Linux version" in guest.console.text()


def test_exit_codes_and_output_come_back(guest: Guest) -> None:
    shell = guest.shell(Deadline.after(30))
    ended, output = shell.run(["sh", "-c", "echo $(( 6 * 7 )); exit 3"], Deadline.after(30))
    assert (ended.exit, output) == (3, "42\n")


def test_arguments_are_quoted(guest: Guest) -> None:
    shell = guest.shell(Deadline.after(30))
    awkward = 'a\'b "c" $(reboot); *'
    assert shell.run(["echo", awkward], Deadline.after(30))[1] == awkward + "\n"


def test_a_file_goes_over_whole(guest: Guest, tmp_path: Path) -> None:
    local = tmp_path / "file"
    local.write_bytes(bytes(range(256)) * 4096)
    shell = guest.shell(Deadline.after(30))
    shell.put(local, "/tmp/file")
    ended, output = shell.run(["sh", "-c", "wc -c < /tmp/file"], Deadline.after(30))
    assert (ended.exit, output.strip()) == (0, str(256 * 4096))


def test_a_command_is_ended_at_its_deadline(guest: Guest) -> None:
    shell = guest.shell(Deadline.after(30))
    ended = shell.follow(["sleep", "60"], lambda _line: None, Deadline.after(1), lambda: "")
    assert (ended.exit, ended.why) == (None, "timed out")


def test_two_nodes_two_cpus_and_swap(guest: Guest) -> None:
    shell = guest.shell(Deadline.after(30))
    said = shell.run(["cat", "/sys/devices/system/node/online", "/proc/swaps"], Deadline.after(30))[1]
    assert said.startswith("0-1\n")
    assert "/dev/vda" in said
    assert shell.run(["grep", "-c", "^processor", "/proc/cpuinfo"], Deadline.after(30))[1] == "2\n"


def test_another_host_key_is_refused(guest: Guest) -> None:
    keys = guest.keys
    stranger = Keys(client=keys.client, host=paramiko.ECDSAKey.generate())
    with (
        pytest.raises(InfraError, match="SSH to the guest"),
        connected(guest.port(), stranger, Deadline.after(30)),
    ):
        pass


def test_a_stranger_is_not_let_in(guest: Guest) -> None:
    keys = guest.keys
    stranger = Keys(client=paramiko.ECDSAKey.generate(), host=keys.host)
    with (
        pytest.raises(InfraError, match="SSH to the guest"),
        connected(guest.port(), stranger, Deadline.after(30)),
    ):
        pass


def test_a_guest_comes_back_from_its_snapshot_as_it_was_when_ready(base_kernel: Path, tmp_path: Path) -> None:
    deadline = Deadline.after(300)
    image = prepare(cache(), QEMU, jobs=2, listener=silent, deadline=deadline)
    accel = Accel(name="tcg", why="works everywhere")
    snapshot = Snapshot(tmp_path)
    said = []
    for number in range(2):
        console = tmp_path / f"console-{number}.log"
        with booted(
            base_kernel, image, Spec(), accel, console=console, deadline=deadline, snapshot=snapshot
        ) as guest:
            assert not guest.failure, guest.failure
            assert snapshot.saved is not None
            script = (
                "dmesg | grep 'memcg-harness: ready'; ls /scratch; echo x > /scratch/x; sync; cat /scratch/x"
            )
            said.append(guest.shell(deadline).run(["sh", "-c", script], deadline)[1])
        assert guest.console.text().count("memcg-harness: ready") == 1
    assert said[0] == said[1], "the moment at which it was ready is that of the one boot"
    assert said[0].splitlines()[1:] == ["lost+found", "x"]


def test_a_snapshot_that_cannot_be_written_is_none_and_the_guest_goes_on(
    base_kernel: Path, tmp_path: Path
) -> None:
    deadline = Deadline.after(300)
    image = prepare(cache(), QEMU, jobs=2, listener=silent, deadline=deadline)
    accel = Accel(name="tcg", why="works everywhere")
    snapshot = Snapshot(tmp_path / "gone")
    console = tmp_path / "console.log"
    with booted(
        base_kernel, image, Spec(), accel, console=console, deadline=deadline, snapshot=snapshot
    ) as guest:
        assert snapshot.saved is None
        assert guest.shell(deadline).run(["echo", "here"], deadline)[1] == "here\n"
