"""WhatsApp's file host is a public one: whatever a name server says, nobody of our own network is asked instead."""

from __future__ import annotations

import errno
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from whatsapp.provider import META_MEDIA_HOST

# The one host that is asked although no setting names it. Who sets another for the calls may well mean one of his own.
FILE_HOST = urlsplit(META_MEDIA_HOST).hostname
# RFC 4291, 2.4; RFC 6052, 2.1: an IPv4 address in its last four bytes; RFC 3056: one in the middle, of a tunnel.
_UNICAST, _NAT64, _SIX_TO_FOUR = IPv6Network("2000::/3"), IPv6Network("64:ff9b::/96"), IPv6Network("2002::/16")


class PublicHosts(AbstractResolver):
    """Names as the system resolves them, and of the file host only what is public.

    A connection goes to an address that came out of here, so a name that leads elsewhere a moment later gains nothing.
    """

    def __init__(self) -> None:
        self._system = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises OSError when there is none that may be asked."""
        found = await self._system.resolve(host, port, family)
        if host != FILE_HOST:
            return found
        public = [one for one in found if is_public(one["host"])]
        if not public:
            raise OSError(errno.EADDRNOTAVAIL, "its name leads to no public address")
        return public

    async def close(self) -> None:
        await self._system.close()


def is_public(address: str) -> bool:
    """Whether an IP address is one of the Internet's: not private, link-local, loopback, multicast, nor hides such."""
    try:
        known: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(known, IPv6Address):
        inner = IPv4Address(int(known) & 0xFFFFFFFF) if known in _NAT64 else known.ipv4_mapped
        if inner is None and (known not in _UNICAST or known in _SIX_TO_FOUR):
            return False
        known = inner or known
    return known.is_global and not known.is_multicast
