"""A server on loopback that does what a test tells it to, byte by byte."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import chain, repeat
from typing import Any, BinaryIO, NamedTuple

import httpcore2

PUBLIC = "93.184.215.14"
"""An address of the open internet, as far as a client can see."""


class Request(NamedTuple):
    target: str
    headers: dict[str, str]


Answer = Callable[[Request], bytes]


def http(status: int = 200, body: bytes = b"", **headers: object) -> bytes:
    """An answer with its right length, unless a length or chunks are given."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    if not {"Content-Length", "Transfer-Encoding"} & names.keys():
        names["Content-Length"] = len(body)
    head = "".join(f"{name}: {value}\r\n" for name, value in names.items() if value is not None)
    return f"HTTP/1.1 {status} said\r\n{head}\r\n".encode("latin-1") + body


class Server:
    """Answers each request by a function; an answer with ``Connection: close`` ends the connection."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.answer: Answer = lambda request: http(200, b"hello")
        self.stop = threading.Event()
        self._closed = False
        self.tls: ssl.SSLContext | None = None
        self._open: list[socket.socket] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._listener = threading.Thread(target=self._accept, daemon=True)
        self._listener.start()

    def _accept(self) -> None:
        while True:
            connection = self._socket.accept()[0]
            if self._closed:
                connection.close()
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # a client may hang up at any time
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as lines:
                self._converse(connection, lines)

    def _converse(self, connection: socket.socket, lines: BinaryIO) -> None:
        while line := lines.readline():
            target = line.split()[1].decode("latin-1")
            fields = (field.decode("latin-1").partition(":") for field in iter(lines.readline, b"\r\n"))
            request = Request(target, {name.lower(): value.strip() for name, _, value in fields})
            self.requests.append(request)
            answer = self.answer(request)
            if b"X-Drip: 1" in answer:
                for byte in answer:
                    connection.sendall(bytes([byte]))
                    if self.stop.wait(0.01):
                        return
            connection.sendall(answer)
            if b"Connection: close" in answer:
                return

    def script(self, *answers: bytes) -> None:
        """Give these answers in turn, the last one for ever."""
        left = chain(answers, repeat(answers[-1]))
        self.answer = lambda request: next(left)

    def hang_up(self) -> None:
        """End all connections."""
        for connection in self._open:
            connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Listen no more; twice is fine."""
        if self._closed:
            return
        self._closed = True
        self.stop.set()
        # a listener that is still in accept() could be handed the next server's socket, once its number is free again
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._listener.join()
        self._socket.close()


class Leading(httpcore2.SyncBackend):
    """Connects to a server, whatever address was meant, and notes that address; some do not answer."""

    def __init__(self, server: Server, silent: frozenset[str] = frozenset()) -> None:
        self.server = server
        self.silent = silent
        self.reached: list[str] = []

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *_: Any, **__: Any
    ) -> httpcore2.NetworkStream:
        self.reached.append(host)
        if host in self.silent:
            raise httpcore2.ConnectError("[Errno 111] Connection refused")
        return super().connect_tcp("127.0.0.1", self.server.port, timeout)
