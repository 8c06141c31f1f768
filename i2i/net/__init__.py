"""The one way from i2i to the network: a client that asks public addresses only, and archives that stay in place."""

from i2i.net.addresses import is_public
from i2i.net.archives import extract
from i2i.net.client import Client, Response
from i2i.net.connection import BUSY
from i2i.net.download import Downloaded, fetch
from i2i.net.errors import ArchiveError, NetworkError, UnreachableError, UnsafeUrlError
from i2i.net.names import Names
from i2i.net.urls import host_of

__all__ = [
    "BUSY",
    "ArchiveError",
    "Client",
    "Downloaded",
    "Names",
    "NetworkError",
    "Response",
    "UnreachableError",
    "UnsafeUrlError",
    "extract",
    "fetch",
    "host_of",
    "is_public",
]
