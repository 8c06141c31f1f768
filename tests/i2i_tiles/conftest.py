from collections.abc import Iterator

import pytest
from scripted_server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def canary() -> Iterator[Server]:
    """A server that nobody may reach."""
    server = Server()
    yield server
    server.close()
