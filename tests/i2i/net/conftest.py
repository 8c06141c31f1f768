import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from scripted_server import Server

from i2i.net import Client

PUBLIC = "93.184.215.14"  # of the open internet, as far as the client can see


@pytest.fixture
def waits() -> list[float]:
    """How long the client would have slept."""
    return []


@pytest.fixture
def make_client(server: Server, waits: list[float]) -> Iterator[Callable[..., Client]]:
    """Makes clients that find every host at a public address, behind which the server is."""
    clients = []

    def connect(address: tuple[str, int], seconds: float) -> socket.socket:
        assert address[0] == PUBLIC
        return socket.create_connection(("127.0.0.1", server.port), seconds)

    def make(**options: Any) -> Client:
        defaults: dict[str, Any] = {
            "http": True,
            "resolve": lambda host, port: [PUBLIC],
            "connect": connect,
            "sleep": waits.append,
            "now": lambda: 1_000_000.0,
        }
        clients.append(Client("i2i-tests (nobody@example.org)", **(defaults | options)))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    return make_client()
