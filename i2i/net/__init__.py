"""The one way from i2i to the network: a client that asks public addresses only, and archives that stay in place."""

from i2i.net.archives import Names, extract
from i2i.net.client import Client, Response
from i2i.net.download import fetch
from i2i.net.errors import ArchiveError, NetworkError, UnreachableError, UnsafeUrlError
from i2i.net.retry import BUSY, Retry
from i2i.net.urls import parse_url

__all__ = [
    "BUSY",
    "ArchiveError",
    "Client",
    "Names",
    "NetworkError",
    "Response",
    "Retry",
    "UnreachableError",
    "UnsafeUrlError",
    "extract",
    "fetch",
    "parse_url",
]
