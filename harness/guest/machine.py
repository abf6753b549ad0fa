# SPDX-License-Identifier: GPL-2.0-only
"""The guest's machine: a QEMU that is told over QMP, heard on its console, and never outlives us."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec
from qemu.qmp import QMPError
from qemu.qmp.legacy import QEMUMonitorProtocol

from harness.deadline import Deadline
from harness.errors import InfraError
from harness.guest.accel import Accel
from harness.guest.bootfail import explain
from harness.guest.cmdline import version_of, words_for
from harness.guest.console import Console, Reader
from harness.guest.keys import Keys, make_initrd
from harness.guest.model import Image
from harness.guest.resets import ResetLog
from harness.guest.snapshot import Saved, Snapshot, go_on
from harness.guest.ssh import Shell, connected
from harness.process import end, spawned
from harness.span import Numbers

READY = re.compile(rb"memcg-harness: ready")
_FORWARD = re.compile(r"TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s")
_QMP_TIMEOUT = 10.0
_LAST_EVENT = 1.0
"""seconds for the events of a QEMU that has ended: they lie in the socket"""
_WORDS = 200
"""characters of QEMU's last words that go into an error"""


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """The machine to build around a kernel."""

    iface: str = "v2"
    """the controller's interface that init mounts: ``v1`` or ``v2``"""
    cpus: int = 2
    nodes: int = 2
    """NUMA nodes; memory and CPUs are dealt out evenly"""
    memory_mb: int = 768
    swap: bool = True
    boot_seconds: float = 60.0
    """how long the guest may take to say that it is ready"""
    append: tuple[str, ...] = ()
    """further words for the kernel's command line"""


def command_line(kernel: Numbers, spec: Spec) -> tuple[str, ...]:
    """The command line for a *kernel* of that version; what a hung task is, init sets (qemu/src/init.c)."""
    return (*words_for(kernel), f"harness.iface={spec.iface}", *spec.append)


def qemu_command(kernel: Path, initrd: Path, image: Image, spec: Spec, accel: Accel) -> list[str]:
    """QEMU's argument list, but for the command line, the console and the QMP channel.

    q35 rather than pc: on 6.1, emulated, virtio_pci_driver_init takes 0.02 s there and 0.65 s on pc.
    A socket for each CPU: cores of one socket on two nodes make the kernel warn at boot (topology_sane).
    """
    node_mb = spec.memory_mb // spec.nodes
    share = max(1, spec.cpus // spec.nodes)
    argv = [
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-M", "q35", *accel.qemu(), "-smp", f"{spec.cpus},sockets={spec.cpus}",
        "-m", f"{node_mb * spec.nodes}M",
    ]  # fmt: skip
    for node in range(spec.nodes):
        first, last = node * share, min((node + 1) * share, spec.cpus) - 1
        cpus = f",cpus={first}-{last}" if first <= last else ""
        argv += ["-object", f"memory-backend-ram,id=ram{node},size={node_mb}M"]
        argv += ["-numa", f"node,nodeid={node},memdev=ram{node}{cpus}"]
    disks = ([("swap", image.swap)] if spec.swap else []) + [("scratch", image.scratch)]
    for name, path in disks:
        # snapshot=on: what the guest writes goes to an unlinked temporary file, the image stays.
        argv += ["-drive", f"id={name},file={path},if=none,format=raw,snapshot=on,cache=unsafe"]
        argv += ["-device", f"virtio-blk-pci,drive={name}"]
    # Port 0: the host's kernel chooses a free one, and "info usernet" tells which; no race.
    argv += ["-netdev", "user,id=net,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:0-:22"]
    argv += ["-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci"]
    argv += ["-kernel", str(kernel), "-initrd", str(initrd)]
    return argv


class Guest:
    """A guest that was started. ``failure`` says why it never became ready; empty when it did."""

    def __init__(
        self,
        qemu: subprocess.Popen[bytes],
        qmp: QEMUMonitorProtocol,
        resets: ResetLog,
        console: Console,
        keys: Keys,
    ) -> None:
        self._qemu = qemu
        self._qmp = qmp
        self._resets = resets
        self._reason = ""
        self._stack = ExitStack()
        self._shell: Shell | None = None
        self._ready = False
        self.keys = keys
        self.console = console
        self.failure = ""
        self.boot_seconds = 0.0
        """seconds from QEMU's start to the ready marker"""

    def alive(self) -> bool:
        """True while QEMU runs; a guest that panics ends it."""
        return self._qemu.poll() is None

    def crashed(self) -> str:
        """What QEMU itself died of, or who ended it, or "": a guest that resets makes it end with 0."""
        code = self._qemu.poll()
        if code:
            return f"QEMU ended with {code}"
        reason = self.reason()
        return f"QEMU was ended from outside ({reason})" if reason.startswith("host-") else ""

    def reason(self) -> str:
        """Why QEMU ended, as its QMP event SHUTDOWN has it (``guest-reset``, ``host-signal``, …), or ""."""
        if self.alive() or self._reason:
            return self._reason
        with suppress(QMPError, OSError, TimeoutError, EOFError):
            while not self._reason:
                for event in self._qmp.get_events(wait=_LAST_EVENT):
                    if event["event"] == "SHUTDOWN":
                        self._reason = str(event["data"]["reason"])
        return self._reason

    def resets(self) -> str:
        """The end of QEMU's log of CPU resets, "" while it runs: it tells of a triple fault."""
        return "" if self.alive() else self._resets.end()

    def shell(self, deadline: Deadline, give_up: Callable[[], str] = lambda: "") -> Shell:
        """The SSH connection, opened at the first call; InfraError when the guest does not answer.

        *give_up* is asked while it is opened, and gives a reason not to wait on.
        """
        if self._shell is None:
            if not self._ready:
                raise InfraError("the guest never became ready")
            port = self.port()
            self._shell = self._stack.enter_context(connected(port, self.keys, deadline.within(30), give_up))
        return self._shell

    def port(self) -> int:
        """The port of 127.0.0.1 that leads to the guest's SSH server."""
        try:
            reply = self._qmp.cmd("human-monitor-command", **{"command-line": "info usernet"})
        except (QMPError, OSError, TimeoutError) as error:
            raise InfraError(f"QEMU does not answer: {error}") from error
        found = _FORWARD.search(str(reply))
        if found is None:
            raise InfraError("QEMU forwards no port to the guest")
        return int(found.group(1))

    def _await_ready(self, began: float, deadline: Deadline, give_up: Callable[[], object]) -> None:
        if self.console.wait_for(READY, deadline, lambda: not self.alive() or bool(give_up())):
            self._ready = True
        else:
            self.failure = explain(
                self.console.text(), self._last_words(), self.alive(), self.console.quiet()
            )
        self.boot_seconds = time.monotonic() - began

    def _last_words(self) -> str:
        """What QEMU itself said; only asked of one that has ended."""
        if self.alive() or self._qemu.stdout is None:
            return ""
        return self._qemu.stdout.read(4096).decode("utf-8", "replace").strip()

    def _close(self) -> None:
        self._stack.close()
        with suppress(QMPError, OSError, TimeoutError, EOFError, subprocess.TimeoutExpired):
            if self.alive():
                self._qmp.cmd("quit")
                self._qemu.wait(_QMP_TIMEOUT)
        end(self._qemu)
        # The peer is gone, so saying goodbye to it ends in an EOFError; it must still be said,
        # or the library says it when it is collected, on stderr.
        with suppress(QMPError, OSError, TimeoutError, EOFError):
            self._qmp.close()
        self._resets.end()
        self.console.close()


@contextmanager
def booted(  # noqa: PLR0913 -- each by its name
    kernel: Path,
    image: Image,
    spec: Spec,
    accel: Accel,
    *,
    console: Path,
    deadline: Deadline,
    readers: tuple[Reader, ...] = (),
    give_up: Callable[[], object] = lambda: False,
    snapshot: Snapshot | None = None,
) -> Iterator[Guest]:
    """A guest of *kernel* for the length of the block, ready or with ``failure`` set.

    It is taken from *snapshot*, or put there once it is ready.

    *console* is the absolute path of its console log, made anew; *readers* are given its bytes live;
    *give_up* is asked, while the guest boots, whether to wait on. InfraError when
    QEMU cannot be started or spoken to; a kernel that does not come up is not an error but a value.
    """
    with ExitStack() as stack:
        # Beside the console log: what a killed run leaves lies in its own directory.
        scratch = stack.enter_context(tempfile.TemporaryDirectory(dir=console.parent, prefix=".boot-"))
        kept = snapshot.saved if snapshot is not None else None
        initrd, keys = (kept.initrd, kept.keys) if kept else make_initrd(image, Path(scratch), deadline)
        ours, theirs = socket.socketpair()
        stack.callback(ours.close)
        argv = qemu_command(kernel, initrd, image, spec, accel)
        argv += ["-append", " ".join(command_line(version_of(kernel), spec))]
        argv += [
            "-chardev",
            f"file,id=console,path={_escape(console)},append=on",
            "-serial",
            "chardev:console",
        ]
        argv += ["-chardev", f"socket,id=qmp,fd={theirs.fileno()}", "-mon", "chardev=qmp,mode=control"]
        resets = ResetLog()
        argv += resets.words()
        handed = [theirs.fileno(), resets.theirs]
        if snapshot is not None and kept:
            handed.append(stack.enter_context(snapshot.incoming()))
            argv += ["-incoming", f"fd:{handed[-1]}"]
        began = time.monotonic()
        console.unlink(missing_ok=True)  # an earlier guest's words are not this one's
        console.write_bytes(kept.console if kept else b"")
        log = Console(console, readers)
        try:
            with theirs:
                qemu = stack.enter_context(spawned(argv, cwd=console.parent, pass_fds=handed))
        except BaseException:
            log.close()
            raise
        finally:
            resets.begin()
        qmp = QEMUMonitorProtocol(ours)
        guest = Guest(qemu, qmp, resets, log, keys)
        stack.callback(guest._close)
        _greet(guest, qmp)
        if kept:
            go_on(qmp, deadline.within(spec.boot_seconds))
        guest._await_ready(began, deadline.within(spec.boot_seconds), give_up)
        if snapshot is not None and not kept and not guest.failure:
            snapshot.save(qmp, Saved(initrd, keys, console.read_bytes()), deadline)
        yield guest


def _greet(guest: Guest, qmp: QEMUMonitorProtocol) -> None:
    try:
        qmp.settimeout(_QMP_TIMEOUT)
        qmp.connect()
    except (QMPError, OSError, TimeoutError, EOFError) as error:
        words = guest._last_words() or str(error) or type(error).__name__
        words = " ".join(words.replace("qemu-system-x86_64: ", "").split())
        raise InfraError(f"QEMU did not start: {words[:_WORDS]}") from error


def _escape(path: Path) -> str:
    """QEMU separates options by commas and doubles those that are meant."""
    return os.fspath(path).replace(",", ",,")
