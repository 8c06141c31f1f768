from collections.abc import Callable, Iterator
from typing import Any

import pytest
from scripted_server import PUBLIC, Leading, Server

from i2i.net import Client, Retry


@pytest.fixture
def waits() -> list[float]:
    """How long the client would have slept."""
    return []


@pytest.fixture
def make_client(server: Server, waits: list[float]) -> Iterator[Callable[..., Client]]:
    """Makes clients that find every host at a public address, behind which the server is."""
    clients = []

    def make(*, tries: int = 5, **options: Any) -> Client:
        defaults: dict[str, Any] = {
            "named": ["http://typed.test/"],
            "retry": Retry(tries, sleep=waits.append, now=lambda: 1_000_000.0),
            "resolve": lambda host, port: [PUBLIC],
            "backend": Leading(server),
        }
        clients.append(Client("i2i-tests (nobody@example.org)", **(defaults | options)))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    return make_client()
