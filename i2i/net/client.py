"""A client for files and tiles that cannot be led into a private network, and that does not press a busy server."""

import socket
import ssl
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import NamedTuple, Self
from urllib.parse import urljoin

from i2i.net import addresses
from i2i.net.connection import BUSY, Connect, Connection, Pace, Stream
from i2i.net.errors import NetworkError, UnreachableError, UnsafeUrlError
from i2i.net.urls import Url, parse, plain_host

MAX_REDIRECTS = 3
MAX_BYTES = 64 * 2**20
"""Largest answer that is kept in memory."""
SLOWEST = 1024.0
"""Bytes a second at which a download is given up."""


class Response(NamedTuple):
    """A whole answer, of whatever status."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; what came more than once is joined by commas."""
    body: bytes
    url: str
    """Where it came from, after redirects."""


def _connect(address: tuple[str, int], seconds: float) -> socket.socket:
    return socket.create_connection(address, seconds)


class Client:
    """Asks http and https servers, one request at a time; for one thread.

    Each host is resolved once a connection, every address must be of the open internet, and the connection goes to the
    address that was checked. Redirects are followed thrice at most and checked alike; none leads from https to http.
    Proxies of the environment are not used, since they would resolve the host themselves. There are no cookies, and no
    compression. Connections are kept for the next request to the same server.

    Args:
        user_agent: Who asks, with a way to reach them; servers want to know.
        allow: Hosts that the user named, which may be in a private network.
        http: Whether http without TLS may be asked, because the user typed such an address.
        tries: How often a server that does not answer, or is busy, is asked in all.
        idle: Longest silence of a server, and time to connect, seconds.
        deadline: Time for a whole answer, seconds.
        patience: Longest wait between two tries, seconds; who is told to wait longer gets the server's answer.
        resolve: Finds addresses.
        connect: Opens sockets.
        tls: How certificates are judged; by the system's authorities when not given.
        sleep: Waits, seconds.
        now: Seconds since 1970, to understand a server that names a time.
    """

    def __init__(
        self,
        user_agent: str,
        *,
        allow: Collection[str] = (),
        http: bool = False,
        tries: int = 5,
        idle: float = 20.0,
        deadline: float = 120.0,
        patience: float = 120.0,
        resolve: addresses.Resolve = addresses.resolve,
        connect: Connect = _connect,
        tls: ssl.SSLContext | None = None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._allow = frozenset(map(plain_host, allow))
        self._http = http
        self.tries = tries
        self._idle = idle
        self._deadline = deadline
        self._patience = patience
        self._resolve = resolve
        self._connect = connect
        self._given_tls = tls
        self._sleep = sleep
        self._now = now
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "identity"}
        self._kept: dict[tuple[str, str, int], Connection] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or ssl.create_default_context()

    def close(self) -> None:
        """Close all connections."""
        while self._kept:
            self._kept.popitem()[1].close()

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int = MAX_BYTES) -> Response:
        """Ask for a URL; the answer is returned whatever its status, after all tries.

        Args:
            url: What to ask for.
            headers: More headers, such as ``If-None-Match``; not sent on to another server.
            max_bytes: Largest body, bytes.

        Raises:
            UnsafeUrlError: If the URL, or one it redirects to, is none that i2i asks.
            UnreachableError: If no try brings a whole answer.
            NetworkError: If the answer is too large, encoded, or one redirect too many.
        """
        for left in reversed(range(self.tries)):
            try:
                with self.exchange(url, headers or {}) as stream:
                    body = b"".join(stream.chunks(max_bytes))
                    response = Response(stream.status, stream.headers, body, stream.url.text)
            except UnreachableError:
                if not left:
                    raise
                self.wait(self.tries - left)
                continue
            if response.status not in BUSY or not left or not self.wait(self.tries - left, response.headers):
                return response
        raise AssertionError("the last try returns or raises")

    def wait(self, tried: int, headers: Mapping[str, str] | None = None) -> bool:
        """Wait before the next try: as long as the server says, else 1, 2, 4, ... seconds.

        Args:
            tried: How many tries there were.
            headers: Of the server's answer, if it gave one.

        Returns:
            False, at once, if the server wants more patience than there is.
        """
        seconds = min(2.0 ** (tried - 1), self._patience)
        asked = self.retry_after(headers or {})
        if asked is not None and asked > self._patience:
            return False
        self._sleep(seconds if asked is None else asked)
        return True

    def retry_after(self, headers: Mapping[str, str]) -> float | None:
        """Seconds that a server asks to wait (RFC 9110, section 10.2.3), where it does."""
        text = headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return float(text)
        with suppress(ValueError):
            moment = parsedate_to_datetime(text)
            return max(0.0, moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - self._now())
        return None

    @contextmanager
    def exchange(self, url: str, headers: Mapping[str, str], *, endless: bool = False) -> Iterator[Stream]:
        """One request and its redirects; the body is read in the ``with`` block.

        Args:
            url: What to ask for.
            headers: More headers; not sent on to another server.
            endless: Give a large body more time as long as it comes at more than `SLOWEST`.

        Raises:
            UnsafeUrlError: If the URL, or one it redirects to, is none that i2i asks.
            UnreachableError: If there is no answer.
            NetworkError: If there is one redirect too many.
        """
        place = first = parse(url)
        pace = Pace(self._idle, self._deadline, SLOWEST if endless else None)
        for _ in range(MAX_REDIRECTS + 1):
            sent = self._headers | dict(headers if place.origin == first.origin else {})
            connection, stream = self._ask(place, sent, pace)
            try:
                if stream.redirect is None:
                    yield stream
                    if stream.reusable:
                        self._kept[place.origin] = connection
                    return
            finally:
                stream.close()
                if self._kept.get(place.origin) is not connection:
                    connection.close()
            place = _redirected(place, stream.redirect)
        raise NetworkError(f"{first} redirects more than {MAX_REDIRECTS} times.")

    def _ask(self, url: Url, headers: Mapping[str, str], pace: Pace) -> tuple[Connection, Stream]:
        if url.scheme == "http" and not self._http:
            raise UnsafeUrlError(f"{url} is not encrypted. Use https, or type the address with http yourself.")
        kept = self._kept.pop(url.origin, None)
        if kept is not None:
            try:
                return kept, kept.ask(url, headers, pace)
            except UnreachableError:  # closed by the server since; a new connection tells
                kept.close()
        found = addresses.checked(url, self._resolve, self._allow)
        connection = Connection(url, found, self._connect, self._tls if url.scheme == "https" else None, self._idle)
        try:
            return connection, connection.ask(url, headers, pace)
        except BaseException:
            connection.close()
            raise


def _redirected(before: Url, to: str) -> Url:
    try:
        place = parse(urljoin(before.text, to))
    except ValueError as error:  # UnsafeUrlError is one
        raise UnsafeUrlError(f"{before} redirects to a place that is none. {error}") from None
    if before.scheme == "https" and place.scheme == "http":
        raise UnsafeUrlError(f"{before} redirects to {place}, which is not encrypted.")
    return place
