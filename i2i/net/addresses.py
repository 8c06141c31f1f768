"""Which addresses are out in the open, by the registries of IANA for special-purpose addresses (RFC 6890, 8190)."""

import ipaddress
import socket
from collections.abc import Callable, Collection, Sequence
from ipaddress import IPv4Address, IPv6Address

from i2i.net.errors import UnreachableError, UnsafeUrlError
from i2i.net.urls import Url

Resolve = Callable[[str, int], Sequence[str]]
"""From a host and port to numeric addresses, the best first."""

_SPECIAL_4 = [
    ipaddress.IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by a provider's customers (CGNAT)
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and the metadata of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
]
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
_SPECIAL_6 = [
    ipaddress.IPv6Network(block)
    for block in ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20")  # protocols, documentation, AS112
]
_LOOK = "Is the address right, and this computer online?"
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether a numeric address is one of the open internet; one that carries an IPv4 address is judged by that."""
    number = ipaddress.ip_address(address)
    if isinstance(number, IPv6Address):
        inner = _carried(number)
        if inner is None:
            return number in _GLOBAL_6 and not any(number in block for block in _SPECIAL_6)
        number = inner
    return not any(number in block for block in _SPECIAL_4)


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets to this one end at: mapped, 6to4 (RFC 3056) or NAT64 (RFC 6052)."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def resolve(host: str, port: int) -> list[str]:
    """Numeric addresses of a host, by the system's resolver.

    Raises:
        OSError: If it has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def checked(url: Url, resolver: Resolve, allow: Collection[str]) -> Sequence[str]:
    """The addresses to connect to for a URL.

    Args:
        url: What is asked.
        resolver: Finds addresses.
        allow: Hosts that the user named and that may therefore be private.

    Raises:
        UnsafeUrlError: If one of them is not public.
        UnreachableError: If there are none.
    """
    try:
        addresses = resolver(url.host, url.port)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreachableError(f"The host {url.host!r} is not found: {reason.lower()}. {_LOOK}") from error
    if not addresses:
        raise UnreachableError(f"The host {url.host!r} has no address. {_LOOK}")
    private = [] if url.host in allow else [address for address in addresses if not is_public(address)]
    if private:
        raise UnsafeUrlError(
            f"{url} leads to {private[0]}, which is not an address of the open internet. "
            "Only a host that you name yourself may be in a private network."
        )
    return addresses
