# SPDX-License-Identifier: GPL-2.0-only
"""Keys for one guest: ours to log in with, and the guest's own, made here so that it is known beforehand."""

from __future__ import annotations

import base64
import io
import shutil
from dataclasses import dataclass
from pathlib import Path

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from harness.deadline import Deadline
from harness.errors import InfraError
from harness.guest.model import Image
from harness.process import run


@dataclass(frozen=True)
class Keys:
    """The client's key pair and the host's public key."""

    client: paramiko.PKey
    host: paramiko.PKey


def make_initrd(image: Image, directory: Path, deadline: Deadline) -> tuple[Path, Keys]:
    """The image's initramfs with its extra archives and fresh keys appended, and those keys.

    The kernel unpacks archives that follow each other, also when only the first is compressed
    (Documentation/driver-api/early-userspace/buffer-format.rst); each must begin at a multiple
    of four bytes. Raises InfraError when dropbearkey or cpio fail.
    """
    root = directory / "keys"
    (root / "etc" / "dropbear").mkdir(parents=True)
    (root / "root" / ".ssh").mkdir(parents=True)
    host_file = root / "etc" / "dropbear" / "host_key"
    host = _make_host_key(image, host_file, deadline)
    client = _make_client_key()
    authorized = root / "root" / ".ssh" / "authorized_keys"
    authorized.write_text(f"{client.get_name()} {client.get_base64()} memcg-harness\n", encoding="ascii")
    for path in (root / "root", root / "root" / ".ssh", authorized.parent, root / "etc" / "dropbear"):
        path.chmod(0o700)
    authorized.chmod(0o600)
    archive = directory / "keys.cpio"
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*"))).encode()
    done = run(
        ["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0", "-O", archive.resolve()],
        cwd=root,
        deadline=deadline,
        stdin=names,
    )
    if done.exit != 0:
        raise InfraError(f"cpio failed with {done.exit}: {done.last_lines()}")
    initrd = directory / "initrd"
    shutil.copyfile(image.initramfs, initrd)
    with initrd.open("ab") as stream:
        for further in (*image.extra, archive):
            stream.write(b"\0" * (-stream.tell() % 4))
            stream.write(further.read_bytes())
    return initrd, Keys(client, host)


def _make_client_key() -> paramiko.PKey:
    private = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return paramiko.Ed25519Key(file_obj=io.StringIO(private.decode("ascii")))


def _make_host_key(image: Image, path: Path, deadline: Deadline) -> paramiko.PKey:
    """dropbear has a key format of its own, so its own tool makes the key and names the public half."""
    done = run(
        [image.dropbear, "dropbearkey", "-t", "ed25519", "-f", path.resolve()],
        cwd=path.parent,
        deadline=deadline,
    )
    for line in done.output.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "ssh-ed25519":  # noqa: PLR2004 -- a public key line: type, base64
            return paramiko.PKey.from_type_string(words[0], base64.b64decode(words[1]))
    raise InfraError(f"dropbearkey failed with {done.exit}: {done.last_lines()}")
