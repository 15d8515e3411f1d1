"""Which addresses may be connected to: a reply, or a name in it, must never lead us into a private network."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from jobs.providers.errors import ConnectionFailed, ForbiddenAddress

Address = IPv4Address | IPv6Address

# Special ranges that `is_global` lets through in some of the Python versions we run on (IANA's special registries).
_NEVER_V4 = tuple(
    IPv4Network(text)
    for text in ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4")
)
_NEVER_V6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "3fff::/20"))
_UNICAST_V6 = IPv6Network("2000::/3")  # all that IANA has opened for global unicast
_NAT64 = IPv6Network("64:ff9b::/96")


def is_forbidden(address: Address) -> bool:
    """Whether `address`, or the IPv4 address that it wraps, is anything but a public unicast address."""
    if isinstance(address, IPv4Address):
        return not address.is_global or address.is_multicast or any(address in net for net in _NEVER_V4)
    wrapped = _wrapped(address)
    if wrapped is not None:
        return is_forbidden(wrapped)
    return not address.is_global or address not in _UNICAST_V6 or any(address in net for net in _NEVER_V6)


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address reached through a mapped, 6to4 or NAT64 address (RFC 4291, 3056, 6052)."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour


async def resolve(host: str, port: int) -> tuple[str, ...]:
    """Return the addresses of `host` in the resolver's order; `ConnectionFailed` when there are none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConnectionFailed(f"{host} does not resolve: {error}") from error
    return tuple(dict.fromkeys(str(item[4][0]) for item in found))


def require_public(host: str, addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Return `addresses` when every one may be connected to; a single forbidden one condemns the name."""
    for text in addresses:
        if is_forbidden(ip_address(text)):
            raise ForbiddenAddress(f"{host} leads to {text}")
    if not addresses:
        raise ConnectionFailed(f"{host} has no address")
    return addresses
