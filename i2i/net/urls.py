"""URLs as i2i accepts them: http and https, nothing that two programs read in two ways, no private network."""

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from i2i.net.errors import UnsafeUrlError

PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
_KEPT = "/:@!$&'()*+,;=~%?[]|"
"""Characters of a path and query that are sent as they were given; all others are percent-encoded."""
_UNICAST_6 = ipaddress.IPv6Network("2000::/3")
_DOCUMENTATION_6 = ipaddress.IPv6Network("3fff::/20")  # RFC 9637, newer than some versions of Python
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

Resolve = Callable[[str, int], Sequence[str]]
"""From a host and port to numeric addresses, the best first."""


class Url(NamedTuple):
    """The parts of a URL that a request needs."""

    scheme: str
    host: str
    """Lower case, without brackets and final dot; names of other scripts in their ASCII form."""
    port: int
    target: str
    """Path and query, percent-encoded."""

    @property
    def text(self) -> str:
        """Return the URL, in the one way to write it."""
        return f"{self._base}{self.target}"

    def __str__(self) -> str:
        """Return it for messages: without the query, where keys and tokens are kept."""
        return f"{self._base}{self.target.partition('?')[0]}"

    @property
    def _base(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == PORTS[self.scheme] else f":{self.port}")


def parse_url(text: str) -> Url:
    """Return the parts of a URL.

    Raises:
        UnsafeUrlError: If it is not a plain http or https URL.
    """
    shown = repr(text.partition("?")[0])
    if _UNSAFE.search(text):
        raise UnsafeUrlError(f"The address {shown} has a space, backslash or control character. Write it as %XX.")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UnsafeUrlError(f"The address {shown} is malformed: {str(error).lower()}.") from None
    if parts.scheme not in PORTS:
        raise UnsafeUrlError(f"The address {shown} is not http or https. Nothing else is fetched.")
    if "@" in parts.netloc:
        raise UnsafeUrlError(f"The address of {host!r} holds a user name. Leave it out.")
    if not host or port == 0:
        raise UnsafeUrlError(f"The address {shown} names no host, or port 0.")
    target = quote(parts.path or "/", _KEPT) + (f"?{quote(parts.query, _KEPT)}" if parts.query else "")
    return Url(parts.scheme, _plain(host), port or PORTS[parts.scheme], target)


def _plain(host: str) -> str:
    try:
        if ":" in host:
            return str(ipaddress.IPv6Address(host)) if "%" not in host else ""
        name = host.encode("idna").decode("ascii").lower().removesuffix(".")
    except ValueError:  # UnicodeError is one
        name = ""
    if not _HOST.fullmatch(name):
        raise UnsafeUrlError(f"{host!r} is not the name or address of a host.")
    return name


def is_public(address: str) -> bool:
    """Tell whether a numeric address is of the open internet, by the registries of IANA (RFC 6890).

    One that carries an IPv4 address, as mapped, 6to4 (RFC 3056) and NAT64 (RFC 6052) ones do, is judged by that.
    """
    number = ipaddress.ip_address(address)
    if isinstance(number, ipaddress.IPv6Address):
        inner = number.ipv4_mapped or number.sixtofour
        if number in _NAT64:
            inner = ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
        if inner is None:
            return number in _UNICAST_6 and number not in _DOCUMENTATION_6 and number.is_global
        number = inner
    return number.is_global and not number.is_multicast


def resolve(host: str, port: int) -> list[str]:
    """Return the numeric addresses of a host, by the system's resolver.

    Raises:
        OSError: If it has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
