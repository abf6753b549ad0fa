# SPDX-License-Identifier: GPL-2.0-only
"""One file over HTTP into an open file: bounded in size and time, gone on with where it was cut off.

urllib3 speaks the protocol; it also bounds the time between two pieces. What it cannot bound, such as the
name server, or an answer's head that comes byte by byte, is bounded by doing all of it in a thread that is
left behind when the time is up.
"""

from __future__ import annotations

import netrc
import os
import re
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec
import urllib3
from urllib3.exceptions import HTTPError, LocationValueError

from harness.address import shown
from harness.deadline import Deadline
from harness.errors import DeadlineExpired, InfraError, UserError

_PATIENCE = 30.0
"""seconds without a connection, or in which less than ``_LEAST`` comes"""
_LEAST = 16 << 10
_HOPS = 5
_TRIES = 3
_CHUNK = 256 << 10
_TOLD = 1 << 20
_HOP = re.compile(r"https?://[A-Za-z0-9._:\[\]-]+/[!-~]*")
_LATER = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
_CLOSED = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
)


class NoAnswer(InfraError):
    """The server cannot be reached, or has none of what was asked for today."""


class _CutOff(InfraError):
    """The transfer ended before the file did."""


class Validators(msgspec.Struct, frozen=True, kw_only=True):
    """What a server tells one state of a file from another by (RFC 9110, 8.8); empty where it does not."""

    etag: str = ""
    modified: str = ""

    def unless_same(self) -> dict[str, str]:
        """The header fields of a request that is answered by 304 when nothing has changed."""
        fields = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in fields.items() if value}

    def rest(self, at: int) -> dict[str, str]:
        """The header fields that ask for what follows byte *at* of the same state; none where none can."""
        strong = "" if self.etag.startswith("W/") else self.etag
        same = strong or self.modified
        return {"Range": f"bytes={at}-", "If-Range": same} if at and same else {}


def transfer(
    url: str,
    sink: BinaryIO,
    *,
    known: Validators,
    limit: int,
    make_room: Callable[[int], None],
    progress: Callable[[int, int], None],
    deadline: Deadline,
) -> Validators | None:
    """Write what *url* has to *sink*; None when it is still what *known* says.

    At most *limit* bytes. *make_room* is told the size, where the server says it, before anything is written;
    *progress* the bytes that came, of how many (0: not known). UserError for a file that is not there, not to
    be had or too large, NoAnswer, another InfraError when it was cut off, DeadlineExpired.
    """
    job = _Transfer(url, sink, known, limit, make_room, progress)
    thread = threading.Thread(target=job.run, daemon=True)
    thread.start()
    try:
        thread.join(min(deadline.remaining(), threading.TIMEOUT_MAX))
    finally:
        job.left.set()
    if job.failed is not None:
        raise job.failed
    if not job.done:
        raise DeadlineExpired(f"{shown(url)}: not fetched in the time that was given; try again")
    return job.found


class _Transfer:
    """One file under way."""

    def __init__(
        self,
        url: str,
        sink: BinaryIO,
        known: Validators,
        limit: int,
        make_room: Callable[[int], None],
        progress: Callable[[int, int], None],
    ) -> None:
        self._url = url
        self._called = shown(url)
        self._sink = sink
        self._known = known
        self._limit = limit
        self._make_room = make_room
        self._progress = progress
        self._came = 0
        self.left = threading.Event()
        """set when nobody waits any more"""
        self.found: Validators | None = None
        self.failed: BaseException | None = None
        self.done = False

    def run(self) -> None:
        """Fetch; the outcome is in ``failed``, or in ``found`` once ``done``."""
        try:
            self._whole()
        except OSError as error:
            self.failed = InfraError(f"{self._called}: cannot be kept: {error.strerror}; make room")
        except BaseException as error:  # it is raised where it was asked for
            self.failed = error
        self.done = True

    def _whole(self) -> None:
        for left in reversed(range(_TRIES)):
            try:
                return self._try()
            except _CutOff:
                if not left:
                    raise
        return None

    def _try(self) -> None:
        """Ask once, for all or for the rest."""
        rest = self.found.rest(self._came) if self.found else {}
        unless_same = {} if self.found else self._known.unless_same()
        response = self._answer({**rest, **unless_same})
        try:
            if response.status == HTTPStatus.NOT_MODIFIED and unless_same:
                return
            goes_on = response.headers.get("Content-Range", "").startswith(f"bytes {self._came}-")
            if not (rest and response.status == HTTPStatus.PARTIAL_CONTENT and goes_on):
                self._require_ok(response.status)
                self._sink.seek(0)
                self._sink.truncate()
                self._came = 0
            self.found = Validators(
                etag=response.headers.get("ETag", "")[:500],
                modified=response.headers.get("Last-Modified", "")[:100],
            )
            self._take(response, self._came + _length(response))
        finally:
            response.close()

    def _answer(self, fields: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """The answer at the end of all redirections, its head read and its body not."""
        url = self._url
        for _hop in range(_HOPS + 1):
            try:
                response = _opened(url, fields)
            except LocationValueError:
                raise UserError(f"{self._called}: no address; it reads https://HOST/PATH") from None
            except (HTTPError, OSError) as error:
                raise NoAnswer(
                    f"{self._called}: cannot be reached ({_why(error)}); mend the host's name or the network"
                ) from error
            location = response.get_redirect_location()
            if not location:
                return response
            response.close()
            url = _redirected(url, location, self._called)
        raise NoAnswer(f"{self._called}: more than {_HOPS} redirections; give the address where they end")

    def _require_ok(self, status: int) -> None:
        if status == HTTPStatus.OK:
            return
        what = f"{self._called}: {status} {_phrase(status)}"
        if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise NoAnswer(f"{what}; try again later")
        if status in _CLOSED:
            raise UserError(f"{what}; put name and password into ~/.netrc, or give another address")
        raise UserError(f"{what}; mend the address")

    def _take(self, response: urllib3.BaseHTTPResponse, size: int) -> None:
        """Write what comes, *size* bytes in all (0: not known)."""
        self._refuse_over(size)
        self._make_room(max(0, size - self._came))
        told, window, came = self._came, Deadline.after(_PATIENCE), self._came
        while (chunk := self._piece(response)) and not self.left.is_set():
            self._came += len(chunk)
            self._refuse_over(self._came)
            self._sink.write(chunk)
            if self._came - told >= _TOLD:
                told = self._came
                self._progress(told, size)
            if window.expired():
                if self._came - came < _LEAST:
                    raise InfraError(
                        f"{self._called}: only {self._came - came} bytes in {_PATIENCE:g} s; try again later"
                    )
                window, came = Deadline.after(_PATIENCE), self._came
        self._progress(self._came, size)

    def _piece(self, response: urllib3.BaseHTTPResponse) -> bytes:
        """What has come, as it came: a compressed file is one because it is wanted so."""
        try:
            return response.read1(_CHUNK, decode_content=False)
        except (HTTPError, OSError) as error:
            raise _CutOff(
                f"{self._called}: cut off after {self._came} bytes ({_why(error)}); try again"
            ) from error

    def _refuse_over(self, size: int) -> None:
        if size > self._limit:
            raise UserError(
                f"{self._called}: over the {self._limit >> 20} MiB that it may have; give another address, "
                "or fetch and unpack it yourself"
            )


def _opened(url: str, fields: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
    """The answer to one request, by the proxy of the environment where there is one."""
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = "" if proxy_bypass(parts.netloc, proxies) else proxies.get(parts.scheme, "")
    manager = _behind(proxy) if proxy else urllib3.PoolManager()
    return manager.request(
        "GET",
        url,
        headers={
            "User-Agent": "memcg-harness",
            "Accept-Encoding": "identity",
            **_authorization(parts.hostname or ""),
            **fields,
        },
        timeout=_PATIENCE,
        retries=False,
        redirect=False,
        preload_content=False,
    )


def _behind(proxy: str) -> urllib3.ProxyManager:
    auth = urllib3.util.parse_url(proxy).auth
    fields = urllib3.make_headers(proxy_basic_auth=auth) if auth else None
    return urllib3.ProxyManager(proxy, proxy_headers=fields)


def _authorization(host: str) -> dict[str, str]:
    """The header field by which the user is known to *host*, out of ~/.netrc; none when that names none."""
    try:
        known = netrc.netrc(os.environ.get("NETRC")).hosts.get(host)
    except (OSError, netrc.NetrcParseError):
        return {}
    return urllib3.make_headers(basic_auth=f"{known[0]}:{known[2]}") if known else {}


def _redirected(url: str, location: str, called: str) -> str:
    """Where *url* says to go. What it says may hold a ticket, so no error repeats it."""
    found = urljoin(url, location).partition("#")[0]
    if not _HOP.fullmatch(found):
        raise NoAnswer(f"{called}: redirected to what is no address; give the address where it ends")
    if url.startswith("https:") and not found.startswith("https:"):
        raise NoAnswer(f"{called}: redirected from https to http; give the http address if you trust it")
    return found


def _length(response: urllib3.BaseHTTPResponse) -> int:
    said = response.headers.get("Content-Length", "")
    return int(said) if said.isdecimal() and len(said) < 20 else 0  # noqa: PLR2004 -- longer is no number


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else ""


def _why(error: BaseException) -> str:
    """The last words of an error of urllib3's, which begin with an object."""
    return ascii(str(error).rpartition(": ")[2])[1:-1][:120]
