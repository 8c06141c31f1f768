"""URLs as i2i accepts them: http and https, a plain host, nothing that two programs could read in two ways."""

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from i2i.net.errors import UnsafeUrlError

PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
_KEPT = "/:@!$&'()*+,;=~%?[]|"
"""Characters of a path and query that are sent as they were given; all others are percent-encoded."""


class Url(NamedTuple):
    """The parts of a URL that a request needs."""

    scheme: str
    host: str
    """Lower case, without brackets and final dot; names of other scripts in their ASCII form."""
    port: int
    target: str
    """Path and query, percent-encoded."""

    @property
    def origin(self) -> tuple[str, str, int]:
        """What a connection belongs to."""
        return self.scheme, self.host, self.port

    @property
    def text(self) -> str:
        """The URL, in the one way to write it."""
        return f"{self._base}{self.target}"

    def __str__(self) -> str:
        """For messages: without the query, where keys and tokens are kept."""
        return f"{self._base}{self.target.partition('?')[0]}"

    @property
    def _base(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == PORTS[self.scheme] else f":{self.port}")


def parse(text: str) -> Url:
    """The parts of a URL.

    Raises:
        UnsafeUrlError: If it is not a plain http or https URL.
    """
    if _UNSAFE.search(text):
        raise UnsafeUrlError(
            f"The address {_shown(text)} has a space, backslash or control character. Write it as %XX."
        )
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UnsafeUrlError(f"The address {_shown(text)} is malformed: {str(error).lower()}.") from None
    if parts.scheme not in PORTS:
        raise UnsafeUrlError(f"The address {_shown(text)} is not http or https. Nothing else is fetched.")
    if "@" in parts.netloc:
        raise UnsafeUrlError(f"The address of {parts.hostname!r} holds a user name. Leave it out.")
    if not host or port == 0:
        raise UnsafeUrlError(f"The address {_shown(text)} names no host, or port 0.")
    target = encoded(parts.path or "/") + (f"?{encoded(parts.query)}" if parts.query else "")
    return Url(parts.scheme, plain_host(host), port or PORTS[parts.scheme], target)


def encoded(text: str) -> str:
    """A path or query in the one way to write it; see `Url.target`."""
    return quote(text, _KEPT)


def plain_host(host: str) -> str:
    """A host in the one way to write it; see `Url.host`.

    Raises:
        UnsafeUrlError: If it can be neither a name nor an address.
    """
    try:
        if ":" in host:
            if "%" in host:
                raise ValueError
            return str(ipaddress.IPv6Address(host.strip("[]")))
        name = host.encode("idna").decode("ascii").lower().removesuffix(".")
    except ValueError:  # UnicodeError is one
        raise UnsafeUrlError(f"{host!r} is not the name or address of a host.") from None
    if not _HOST.fullmatch(name):
        raise UnsafeUrlError(f"{host!r} is not the name or address of a host.")
    return name


def host_of(url: str) -> str:
    """The host of a URL, as `i2i.net.Client` wants it in ``allow``.

    Raises:
        UnsafeUrlError: If it is not a plain http or https URL.
    """
    return parse(url).host


def _shown(text: str) -> str:
    return repr(text.partition("?")[0])
