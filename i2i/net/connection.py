"""Connections to addresses that were checked, on which nothing can take for ever."""

import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import httpcore2

from i2i.net.errors import NetworkError, UnreachableError, UnsafeUrlError
from i2i.net.urls import Resolve, Url, is_public

SLOWEST = 1024.0
"""Bytes a second at which a download is given up."""


class Guard(httpcore2.NetworkBackend):
    """Connects to the address that was checked, and to no other; the host's name is for TLS and the ``Host`` header.

    Args:
        named: Hosts and ports that may be in a private network.
        resolve: Finds addresses.
        backend: Opens connections to addresses.
        idle: Longest silence, seconds.
        deadline: Time for a whole answer, seconds.
    """

    def __init__(
        self,
        named: set[tuple[str, int]],
        resolve: Resolve,
        backend: httpcore2.NetworkBackend,
        idle: float,
        deadline: float,
    ) -> None:
        self._named = named
        self._resolve = resolve
        self._backend = backend
        self._idle = idle
        self._deadline = deadline

    def begin(self, endless: bool) -> None:
        """Start the time of a request; of an endless one, what comes buys more."""
        self._until = time.monotonic() + self._deadline
        self._slowest = SLOWEST if endless else float("inf")

    def received(self, count: int) -> None:
        """Note that so many bytes have come."""
        self._until += count / self._slowest

    def left(self) -> float:
        """Return how long the next wait may be, seconds."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the answer took too long")
        return min(self._idle, left)

    def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore2.NetworkStream:
        """Connect to the first address of a host that answers."""
        *others, last = self._addresses(host, port)
        for address in others:
            with suppress(httpcore2.ConnectError, httpcore2.ConnectTimeout):
                return _PacedStream(self._backend.connect_tcp(address, port, self.left()), self)
        return _PacedStream(self._backend.connect_tcp(last, port, self.left()), self)

    def _addresses(self, host: str, port: int) -> Sequence[str]:
        """Resolve a host; all of its addresses are public, or the user named it."""
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            look = "Is the address right, and this computer online?"
            raise UnreachableError(f"The host {host!r} is not found: {reason.lower()}", look) from error
        private = [] if (host, port) in self._named else [address for address in addresses if not is_public(address)]
        if private:
            raise UnsafeUrlError(
                f"{host!r} leads to {private[0]}, which is not an address of the open internet. "
                "Only an address that you type yourself may be in a private network."
            )
        return addresses


class _PacedStream(httpcore2.NetworkStream):
    """A connection on which no wait is longer than the present request has left."""

    def __init__(self, stream: httpcore2.NetworkStream, pace: Guard) -> None:
        self._stream = stream
        self._pace = pace

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._stream.read(max_bytes, self._pace.left())
        self._pace.received(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._pace.left())

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        try:
            return _PacedStream(self._stream.start_tls(ssl_context, server_hostname, self._pace.left()), self._pace)
        except httpcore2.ConnectError as error:
            if not isinstance(error.__cause__, ssl.SSLCertVerificationError):
                raise
            reason = error.__cause__.verify_message
            raise NetworkError(
                f"{server_hostname!r} has no valid certificate: {reason}. Is the address right?"
            ) from error

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


@contextmanager
def failures(url: Url) -> Iterator[None]:
    """Turn what the library raises into one line."""
    try:
        yield
    except httpcore2.TimeoutException as error:
        raise UnreachableError(f"{url} does not answer in time") from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        look = "Look at the address, or try again later."
        raise UnreachableError(f"{url} does not answer as it should: {reason}", look) from error
