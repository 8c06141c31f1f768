"""A client for files and tiles that cannot be led into a private network, and that does not press a busy server."""

import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple, Self
from urllib.parse import urljoin

import httpcore2

from i2i.net.connection import Guard, failures
from i2i.net.errors import NetworkError, UnreachableError, UnsafeUrlError
from i2i.net.retry import BUSY, Retry
from i2i.net.urls import Resolve, Url, parse_url, resolve

MAX_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_BYTES = 64 * 2**20
"""Largest answer that is kept in memory."""


class Response(NamedTuple):
    """A whole answer, of whatever status."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; what came more than once is joined by commas."""
    body: bytes
    url: Url
    """Where it came from, after redirects."""


class Client:
    """Asks http and https servers, one request at a time; for one thread.

    Each host is resolved once a connection, every address must be of the open internet, and the connection goes to the
    address that was checked. Redirects are followed thrice at most and checked alike; none leads from https to http.
    Proxies of the environment are not used, since they would resolve the host themselves. There are no cookies, and no
    compression. Connections are kept for the next request to the same server.

    Args:
        user_agent: Who asks, with a way to reach them; servers want to know.
        named: Addresses that the user typed: their hosts may be in a private network, each at its port, and http is
            asked without TLS if one of them is such an address.
        interval: Seconds between the beginnings of two requests.
        retry: How often a server that does not answer, or is busy, is asked.
        idle: Longest silence of a server, and time to connect, seconds.
        deadline: Time for a whole answer, seconds.
        resolve: Finds addresses.
        backend: Opens connections to addresses.
        tls: How certificates are judged; by the system's authorities when not given.
        clock: Seconds from some beginning.
    """

    def __init__(
        self,
        user_agent: str,
        *,
        named: Iterable[str] = (),
        interval: float = 0.0,
        retry: Retry = Retry(),  # noqa: B008  # it is frozen
        idle: float = 20.0,
        deadline: float = 120.0,
        resolve: Resolve = resolve,
        backend: httpcore2.NetworkBackend | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.interval = interval
        self.retry = retry
        self._clock = clock
        self._next = clock()
        typed = [parse_url(url) for url in named]
        self._http = any(url.scheme == "http" for url in typed)
        hosts = {(url.host, url.port) for url in typed}
        self._guard = Guard(hosts, resolve, backend or httpcore2.SyncBackend(), idle, deadline)
        self._pool = httpcore2.ConnectionPool(ssl_context=tls, max_connections=1, network_backend=self._guard)
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "identity"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

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
        tried = 0
        while True:
            tried += 1
            try:
                with self.stream(url, headers or {}) as answer:
                    response = Response(answer.status, answer.headers, b"".join(answer.chunks(max_bytes)), answer.url)
            except UnreachableError as error:
                if not self.retry.again(tried, error.problem):
                    raise
                continue
            problem = f"{response.url} answers {response.status}"
            if response.status not in BUSY or not self.retry.again(tried, problem, response.headers):
                return response

    @contextmanager
    def stream(self, url: str, headers: Mapping[str, str], *, endless: bool = False) -> Iterator["Answer"]:
        """Ask once, and follow redirects; the body is read in the ``with`` block.

        Args:
            url: What to ask for.
            headers: More headers; not sent on to another server.
            endless: Give a large body more time as long as it comes at more than `i2i.net.connection.SLOWEST`.

        Raises:
            UnsafeUrlError: If the URL, or one it redirects to, is none that i2i asks.
            UnreachableError: If there is no answer.
            NetworkError: If there is one redirect too many.
        """
        place = first = parse_url(url)
        if (wait := self._next - self._clock()) > 0:
            self.retry.sleep(wait)
        self._next = self._clock() + self.interval
        self._guard.begin(endless)
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._ask(place, headers if place[:3] == first[:3] else {})
            try:
                if answer.redirect is None:
                    yield answer
                    return
            finally:
                answer.close()
            place = _redirected(place, answer.redirect)
        raise NetworkError(f"{first} redirects more than {MAX_REDIRECTS} times. Is the address right?")

    def _ask(self, url: Url, headers: Mapping[str, str]) -> "Answer":
        if url.scheme == "http" and not self._http:
            raise UnsafeUrlError(f"{url} is not encrypted. Use https, or type the address with http yourself.")
        host = f"[{url.host}]" if ":" in url.host else url.host
        sent = {"Host": host if url.port in (80, 443) else f"{host}:{url.port}"} | self._headers | dict(headers)
        place = httpcore2.URL(scheme=url.scheme, host=url.host, port=url.port, target=url.target)
        with failures(url):
            return Answer(url, self._pool.handle_request(httpcore2.Request("GET", place, headers=list(sent.items()))))


class Answer:
    """An answer whose body is still to be read.

    Args:
        url: What was asked.
        response: The answer, after its headers.
    """

    def __init__(self, url: Url, response: httpcore2.Response) -> None:
        self.url = url
        self.status = response.status
        self.headers: dict[str, str] = {}
        """Names in lower case; what came more than once is joined by commas."""
        for name, value in response.headers:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text
        self._response = response

    @property
    def redirect(self) -> str | None:
        """Return where the server sends us instead; relative to this URL, perhaps."""
        return self.headers.get("location") if self.status in REDIRECTS else None

    @property
    def length(self) -> int | None:
        """Return the bytes of the body, where the server says so."""
        text = self.headers.get("content-length")  # a number: the client's own parser refuses anything else
        return None if text is None or self._is_chunked else int(text)

    @property
    def is_delimited(self) -> bool:
        """Return whether a body that was cut can be told from a whole one."""
        return self._is_chunked or self.length is not None

    @property
    def _is_chunked(self) -> bool:
        return "transfer-encoding" in self.headers

    def chunks(self, max_bytes: int) -> Iterator[bytes]:
        """Yield the body, as it comes.

        Raises:
            NetworkError: If it is larger than that, or encoded in a way that was not asked for.
            UnreachableError: If it is cut or too slow.
        """
        encoding = self.headers.get("content-encoding", "identity").strip().lower()
        if encoding != "identity":
            raise NetworkError(f"{self.url} answers in the encoding {encoding!r}, which was not asked for.")
        count = self.length or 0
        if count <= max_bytes:
            count = 0
            with failures(self.url):
                for data in self._response.iter_stream():
                    count += len(data)
                    if count > max_bytes:
                        break
                    yield data
        if count > max_bytes:
            raise NetworkError(f"{self.url} sends more than the {max_bytes} bytes that are allowed.")

    def close(self) -> None:
        """Let go of the connection; it can be used again if the body was read."""
        self._response.close()


def _redirected(before: Url, to: str) -> Url:
    try:
        place = parse_url(urljoin(before.text, to))
    except ValueError as error:  # UnsafeUrlError is one
        raise UnsafeUrlError(f"{before} redirects to a place that is none. {error}") from None
    if before.scheme == "https" and place.scheme == "http":
        raise UnsafeUrlError(f"{before} redirects to {place}, which is not encrypted.")
    return place
