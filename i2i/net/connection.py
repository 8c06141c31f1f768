"""One connection to one checked address, on which nothing can take for ever."""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any, cast

from i2i.net.errors import NetworkError, UnreachableError
from i2i.net.urls import Url

CHUNK = 1 << 16
REDIRECTS = frozenset({301, 302, 303, 307, 308})
BUSY = frozenset({408, 429, 500, 502, 503, 504})
"""Answers of a server that may give another one later."""

Connect = Callable[[tuple[str, int], float], socket.socket]
"""From a numeric address and port, and seconds, to a connected socket."""


class Pace:
    """Until when an answer has to be here.

    Args:
        idle: Longest silence, seconds.
        whole: Time for the whole answer, seconds.
        slowest: Bytes a second that buy more time; none do when not given.
    """

    def __init__(self, idle: float, whole: float, slowest: float | None = None) -> None:
        self._idle = idle
        self._slowest = slowest
        self._until = time.monotonic() + whole

    def received(self, count: int) -> None:
        """Note that so many bytes have come."""
        if self._slowest is not None:
            self._until += count / self._slowest

    def timeout(self) -> float:
        """How long the next wait may be, seconds.

        Raises:
            TimeoutError: If time is up.
        """
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        return min(self._idle, left)


class Stream:
    """An answer whose body is still to be read.

    Args:
        url: What was asked.
        answer: The answer, after its headers.
        pace: Until when it has to be here.
    """

    def __init__(self, url: Url, answer: http.client.HTTPResponse, pace: Pace) -> None:
        self.url = url
        self.status = answer.status
        self.headers: Mapping[str, str] = {
            name.lower(): ", ".join(answer.headers.get_all(name, ())) for name in answer.headers
        }
        self._answer = answer
        self._pace = pace

    @property
    def redirect(self) -> str | None:
        """Where the server sends us instead; relative to this URL, perhaps."""
        return self.headers.get("location") if self.status in REDIRECTS else None

    @property
    def length(self) -> int | None:
        """Bytes of the body, where the server says so."""
        return self._answer.length

    @property
    def delimited(self) -> bool:
        """Whether a body that was cut can be told from a whole one."""
        return self._answer.length is not None or self._answer.chunked

    @property
    def reusable(self) -> bool:
        """Whether the connection can be asked again: the body is read and the server keeps it open."""
        return self._answer.isclosed() and not self._answer.will_close

    def chunks(self, max_bytes: int) -> Iterator[bytes]:
        """The body, as it comes.

        Raises:
            NetworkError: If it is larger than that, or encoded in a way that was not asked for.
            UnreachableError: If it is cut or too slow.
        """
        encoding = self.headers.get("content-encoding", "identity").strip().lower()
        if encoding != "identity":
            raise NetworkError(f"{self.url} answers in the encoding {encoding!r}, which was not asked for.")
        told, count = self.length, 0
        if told is None and "content-length" in self.headers and not self._answer.chunked:
            raise NetworkError(f"{self.url} answers with the length {self.headers['content-length']!r}.")
        while told is None or count <= told:
            if max(told or 0, count) > max_bytes:
                raise NetworkError(f"{self.url} sends more than the {max_bytes} bytes that are allowed.")
            with failures(self.url):
                data = self._answer.read1(CHUNK)
            if not data:
                break
            count += len(data)
            self._pace.received(len(data))
            yield data
        if told is not None and count < told:
            raise UnreachableError(f"{self.url} was cut after {count} of {told} bytes. Run the same command again.")
        self.close()

    def close(self) -> None:
        """Let go of the socket; the connection can be used again if the body was read."""
        self._answer.close()


class Connection(http.client.HTTPConnection):
    """A connection to a host at an address that was checked; the host's name is for TLS and the ``Host`` header only.

    Args:
        url: What is asked first; later requests are of the same origin.
        addresses: Numeric addresses, tried in turn.
        connect: Opens sockets.
        tls: How certificates are judged; nothing is encrypted when not given.
        seconds: Time to connect to one address.
    """

    def __init__(
        self, url: Url, addresses: Sequence[str], connect: Connect, tls: ssl.SSLContext | None, seconds: float
    ) -> None:
        super().__init__(url.host, url.port)
        self.default_port = 443 if url.scheme == "https" else 80
        self._addresses = addresses
        self._connect = connect
        self._tls = tls
        self._seconds = seconds

    def connect(self) -> None:
        """Open the socket.

        Raises:
            OSError: If no address answers, or the certificate is not the host's.
        """
        plain = self._first_that_answers()
        try:
            plain.settimeout(self._seconds)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                plain = self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise
        # http.client only sends to it, reads a file made of it, and closes it
        self.sock = cast(socket.socket, _PacedSocket(plain))

    def _first_that_answers(self) -> socket.socket:
        for address in self._addresses[:-1]:
            try:
                return self._connect((address, self.port), self._seconds)
            except OSError:
                continue
        return self._connect((self._addresses[-1], self.port), self._seconds)

    def ask(self, url: Url, headers: Mapping[str, str], pace: Pace) -> Stream:
        """Send a request and read the headers of its answer.

        Raises:
            UnreachableError: If there is none, or it is not HTTP.
        """
        with failures(url):
            if self.sock is None:
                self.connect()
            cast(_PacedSocket, self.sock).pace = pace
            self.request("GET", url.target, headers=dict(headers))
            answer = self.getresponse()
        return Stream(url, answer, pace)


class _PacedSocket:
    """As much of a socket as http.client uses, each wait within the pace of the request."""

    pace: Pace

    def __init__(self, plain: socket.socket) -> None:
        self._plain = plain

    def sendall(self, data: Any) -> None:
        self._plain.settimeout(self.pace.timeout())
        self._plain.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_PacedFile(self._plain, self.pace))

    def close(self) -> None:
        self._plain.close()


class _PacedFile(io.RawIOBase):
    def __init__(self, plain: socket.socket, pace: Pace) -> None:
        self._plain = plain
        self._file = plain.makefile("rb", buffering=0)  # keeps the socket open when the connection lets go of it
        self._pace = pace

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._plain.settimeout(self._pace.timeout())
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


@contextmanager
def failures(url: Url) -> Iterator[None]:
    """Turn what sockets and http.client raise into one line."""
    try:
        yield
    except TimeoutError as error:
        raise UnreachableError(f"{url} does not answer in time. Try again later.") from error
    except ssl.SSLCertVerificationError as error:
        raise NetworkError(f"{url} has no valid certificate: {error.verify_message}.") from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise UnreachableError(
            f"{url} does not answer as it should: {reason}. Look at the address, or try again later."
        ) from error
