# SPDX-License-Identifier: GPL-2.0-only
"""The machine's arguments, the live console, why a boot failed, and the choice of an accelerator."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

from harness.deadline import Deadline
from harness.guest.accel import Accel, choose, remembered
from harness.guest.bootfail import explain, lacks
from harness.guest.cmdline import version_of
from harness.guest.console import Console
from harness.guest.machine import Spec, command_line, qemu_command
from harness.guest.model import Image

_TCG = Accel(name="tcg", why="test")


def _argv(spec: Spec, accel: Accel = _TCG) -> list[str]:
    image = Image(key="k", directory=Path("/images/k"))
    return qemu_command(Path("/kernel"), Path("/initrd"), image, spec, accel)


def test_the_network_is_shut_but_for_one_port_on_loopback() -> None:
    network = next(word for word in _argv(Spec()) if word.startswith("user,"))
    assert "restrict=on" in network.split(",")
    assert "hostfwd=tcp:127.0.0.1:0-:22" in network.split(",")


def test_disks_are_never_written_to() -> None:
    drives = [word for word in _argv(Spec()) if word.startswith("id=")]
    assert len(drives) == 2
    assert all("snapshot=on" in drive for drive in drives)
    assert len([word for word in _argv(Spec(swap=False)) if word.startswith("id=")]) == 1


def test_memory_and_cpus_are_dealt_out_to_the_nodes() -> None:
    argv = _argv(Spec(cpus=4, nodes=2, memory_mb=1001))
    nodes = [word for word in argv if word.startswith("node,")]
    assert [node.rpartition("cpus=")[2] for node in nodes] == ["0-1", "2-3"]
    assert argv[argv.index("-m") + 1] == "1000M"


def test_a_panic_ends_the_guest_at_once() -> None:
    line = set(command_line((6, 1, 192), Spec(iface="v1", append=("x=y",))))
    assert {"oops=panic", "panic=-1", "harness.iface=v1", "x=y"} <= line
    assert "-no-reboot" in _argv(Spec())


def test_what_kasan_finds_ends_the_guest_too() -> None:
    assert "kasan.fault=panic" in command_line((6, 1, 192), Spec())
    assert "kasan.fault=panic" not in command_line((2, 6, 27), Spec())


def test_a_kernel_of_2008_gets_the_words_that_it_knows() -> None:
    line = command_line((2, 6, 27), Spec())
    assert {"panic=1", "noapictimer", "vdso=0"} <= set(line)
    assert not {"panic=-1", "nokaslr", "random.trust_cpu=on"} & set(line)
    (lpj,) = [word for word in line if word.startswith("lpj=")]
    assert int(lpj.removeprefix("lpj=")) > 1_000_000
    assert not [word for word in command_line((2, 6, 29), Spec()) if word.startswith("lpj=")]


def test_an_image_says_its_version(tmp_path: Path) -> None:
    image = tmp_path / "bzImage"
    head = bytearray(4096)
    head[0x202:0x206] = b"HdrS"
    head[0x20E:0x210] = (0x300).to_bytes(2, "little")
    head[0x500:0x520] = b"2.6.27-rc3 (harness@harness) #1\0"
    image.write_bytes(bytes(head))
    assert version_of(image) == (2, 6, 27)
    head[0x500:0x503] = b"6.1"
    head[0x503:0x504] = b"-"
    image.write_bytes(bytes(head))
    assert version_of(image) == (6, 1, 0)
    for other in (b"\x7fELF" + bytes(4096), b"", bytes(head[:0x208])):
        image.write_bytes(other)
        assert version_of(image) > (1000,)


def test_the_console_is_read_while_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "console.log"
    heard: list[bytes] = []
    console = Console(path, (heard.append,))
    writer = threading.Timer(0.1, lambda: path.write_bytes(b"booting\nmemcg-harness: ready\n"))
    writer.start()
    assert console.wait_for(re.compile(b"ready"), Deadline.after(20), lambda: False)
    writer.join()
    with path.open("ab") as stream:
        stream.write(b"last words\xff")
    console.close()
    assert b"".join(heard) == path.read_bytes()
    assert console.text().endswith("last words\ufffd")


def test_last_words_are_found_when_the_guest_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "console.log"
    console = Console(path)
    for number in range(20):  # each time written just before the guest is found dead
        with path.open("a") as stream:
            stream.write(f"word {number}.\n")
        word = re.compile(f"word {number}\\.".encode())
        assert console.wait_for(word, Deadline.after(20), lambda: True)
    assert not console.wait_for(re.compile(b"never said"), Deadline.after(20), lambda: True)
    console.close()


def test_a_reader_that_fails_is_not_a_clean_console(tmp_path: Path) -> None:
    def fail(_chunk: bytes) -> None:
        raise RuntimeError("a bug in a reader")

    path = tmp_path / "console.log"
    path.write_bytes(b"text")
    console = Console(path, (fail,))
    with pytest.raises(RuntimeError, match="a bug in a reader"):
        console.close()


@pytest.mark.parametrize(
    ("console", "symbol"),
    [
        ("", "CONFIG_SERIAL_8250_CONSOLE"),
        ("VFS: Unable to mount root fs on unknown-block(0,0)", "CONFIG_BLK_DEV_INITRD"),
        ("Failed to execute /init (error -8)\nKernel panic", "CONFIG_BINFMT_ELF"),
        ("memcg-harness: lacks cgroup: CONFIG_CGROUPS\n", "CONFIG_CGROUPS"),
    ],
)
def test_a_failed_boot_names_the_likely_symbol(console: str, symbol: str) -> None:
    said = explain(console, "", alive=False, quiet=0.0)
    assert symbol in said
    assert "\n" not in said


def test_a_hostile_console_stays_one_printable_line() -> None:
    said = explain("\x1b[31mred\x00\n" + "x" * 10_000 + "\n\x07", "qemu:\nbad", alive=True, quiet=60.0)
    assert said.isprintable()
    assert len(said) < 1000


def test_a_slow_guest_is_told_from_one_that_hangs() -> None:
    assert "is slow: its time is up and it still talks" in explain("[ 9.0] x\n", "", alive=True, quiet=0.4)
    assert "hangs: nothing on its console for 48 s" in explain("[ 9.0] x\n", "", alive=True, quiet=48.2)
    assert "hangs" not in explain("[ 9.0] x\n", "", alive=False, quiet=48.2)


def test_a_console_knows_how_long_it_has_been_quiet(tmp_path: Path) -> None:
    path = tmp_path / "console.log"
    console = Console(path)
    path.write_bytes(b"first\n")
    assert console.wait_for(re.compile(b"first"), Deadline.after(20), lambda: False)
    earlier = console.quiet()
    assert not console.wait_for(re.compile(b"second"), Deadline.after(0.2), lambda: False)
    assert console.quiet() >= earlier + 0.2
    console.close()


def test_what_init_says_it_lacks() -> None:
    text = "[ 1.0] memcg-harness: lacks swap: CONFIG_SWAP\r\n[ 1.1] memcg-harness: lacks swap: CONFIG_SWAP\n"
    assert lacks(text) == ("swap: CONFIG_SWAP",)


def test_an_accelerator_that_is_asked_for_is_not_probed(tmp_path: Path) -> None:
    assert choose("kvm", tmp_path, "7.2", lambda _accel: "never called").name == "kvm"
    assert remembered(tmp_path, "7.2") is None


def test_auto_goes_by_the_probe_and_remembers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda _path, _mode: True)
    probes: list[Accel] = []

    def broken(accel: Accel) -> str:
        probes.append(accel)
        return "KVM internal error"

    chosen = choose("auto", tmp_path, "7.2", broken)
    assert chosen.name == "tcg"
    assert "KVM internal error" in chosen.why
    assert choose("auto", tmp_path, "7.2", broken) == chosen
    assert len(probes) == 1
    assert choose("auto", tmp_path, "8.0", lambda _accel: "").name == "kvm"  # another QEMU, asked again


def test_no_kvm_device_needs_no_probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda _path, _mode: False)
    chosen = choose("auto", tmp_path, "7.2", lambda _accel: "never called")
    assert chosen.name == "tcg"
    assert "/dev/kvm" in chosen.why
