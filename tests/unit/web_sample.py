# SPDX-License-Identifier: GPL-2.0-only
"""A web server on loopback with files, and with what goes wrong in the field."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Fault = Callable[[BaseHTTPRequestHandler], None]


class Web:
    """What it has, ``files`` by path, each bytes or a function that answers; and what it was asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | Fault] = {}
        self.tags: dict[str, str] = {}
        """ETag by path; "" for none"""
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.closing = threading.Event()
        self.url = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append((handler.path, {name.lower(): value for name, value in handler.headers.items()}))
        found = self.files.get(handler.path.partition("?")[0])
        if found is None:
            send(handler, 404, b"<html>not here</html>")
        elif isinstance(found, bytes):
            self._file(handler, found)
        else:
            found(handler)

    def _file(self, handler: BaseHTTPRequestHandler, data: bytes) -> None:
        tag = self.tags.get(handler.path, f'"{hash(data):x}"')
        if tag and handler.headers.get("If-None-Match") == tag:
            send(handler, 304, b"", ETag=tag)
            return
        start = handler.headers.get("Range", "").removeprefix("bytes=").removesuffix("-")
        if start and handler.headers.get("If-Range") == tag:
            rest = f"bytes {start}-{len(data) - 1}/{len(data)}"
            send(handler, 206, data[int(start) :], **{"ETag": tag, "Content-Range": rest})
            return
        send(handler, 200, data, **({"ETag": tag} if tag else {}))


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **fields: str) -> None:
    handler.send_response(status)
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    for name, value in {"Content-Length": str(len(body)), **named}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def cut(data: bytes, at: int, **fields: str) -> Fault:
    """*data* is promised, and *at* bytes of it come."""
    return lambda handler: send(handler, 200, data[:at], Content_Length=str(len(data)), **fields)


def first(fault: Fault, web: Web, path: str, then: bytes) -> Fault:
    """*fault* once, and from then on the file *then*."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        web.files[path] = then
        fault(handler)

    return answer


def drip(web: Web, head: bytes, drop: bytes) -> Fault:
    """*head*, and then *drop* for ever, a hundred in a second."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.wfile.write(head)
        while not web.closing.is_set():
            handler.wfile.write(drop)
            time.sleep(0.01)

    return answer


@contextmanager
def serving() -> Iterator[Web]:
    """A server for the block."""
    web = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                web.answer(self)
            except ConnectionError:
                self.close_connection = True

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        web.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield web
        web.closing.set()
        server.shutdown()
        thread.join()
