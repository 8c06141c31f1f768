"""Listens, until it is stopped."""

import socket
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec

from i2i.errors import OutputError, UsageError
from i2i_serve.service import Service

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Addresses that this machine alone reaches."""


def check_installed() -> None:
    """Refuse to serve where what it takes is not installed.

    Raises:
        UsageError: If it is not.
    """
    if missing := [name for name in ("fastapi", "uvicorn") if find_spec(name) is None]:
        raise UsageError(f"{' and '.join(missing)} is not installed. pip install 'i2i-toolkit[serve]'")


def run(
    service: Service,
    *,
    host: str,
    port: int,
    token: str = "",
    max_bytes: int,
    max_pixels: int,
    on_start: Callable[[int], None] = lambda port: None,
) -> None:
    """Serve until Ctrl-C or SIGTERM; requests that are being answered are answered.

    Args:
        service: What translates.
        host: Address to listen at.
        port: Port; a free one where it is 0.
        token: What requests must have.
        max_bytes: Largest body of a request.
        max_pixels: Largest image.
        on_start: Is told the port.

    Raises:
        OutputError: If nobody can listen there.
    """
    import uvicorn

    from i2i_serve.app import Door, make_app, source_of

    for name, translator in service.translators.items():
        source_of(translator, name)
    # asked for under another name, a page of somebody else would read what is served here
    hosts = (*LOOPBACK, "[::1]") if host in LOOPBACK else ("*",)
    app = make_app(service, Door(token=token, hosts=hosts, bytes=max_bytes, pixels=max_pixels))
    with _listening(host, port) as listener:
        on_start(listener.getsockname()[1])
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5))
        with suppress(KeyboardInterrupt):  # raised once more when all requests are answered: a server ends that way
            server.run(sockets=[listener])


def address(host: str, port: int) -> str:
    """Return the address that a browser takes.

    Example:
        >>> address("::1", 80)
        'http://[::1]:80'
    """
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"{address(host, port)} cannot be listened at: {reason}. Choose another --port.") from None
