from collections.abc import Callable, Iterator
from contextlib import ExitStack
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
    stack = ExitStack()

    def make(*, tries: int = 5, **options: Any) -> Client:
        defaults: dict[str, Any] = {
            "named": ["http://typed.test/"],
            "retry": Retry(tries, sleep=waits.append, now=lambda: 1_000_000.0),
            "resolve": lambda host, port: [PUBLIC],
            "backend": Leading(server),
        }
        return stack.enter_context(Client("i2i-tests (nobody@example.org)", **(defaults | options)))

    with stack:
        yield make


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    return make_client()
