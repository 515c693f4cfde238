"""Which addresses on the web may be asked, and what is not to be had."""

import ipaddress
import socket
from urllib.parse import urlsplit

from artgan.errors import ArtganError


class SourceUnavailable(ArtganError):  # noqa: N818 - a judgement on a source, named as one
    """Something that was to be fetched and is not to be had, now or at all."""


def host_of(url: str) -> str:
    """Return the host of an address; empty if it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # brackets that are no IPv6 address
        return ""


def check_address(url: str, *, allow_private: bool) -> None:
    """Refuse what is no web address, or lies in this machine's own network.

    Args:
        url: The address.
        allow_private: Whether it may lie in the own network.

    Raises:
        SourceUnavailable: If it may not be asked.
        OSError: If no name server knows the host, or none answers.
        UnicodeError: If the host cannot be a name.
    """
    host = host_of(url)
    if not url.startswith(("http://", "https://")) or not host:
        raise SourceUnavailable(
            f"address must begin with https:// or http:// and name a host, got {url!r}. Correct it."
        )
    if allow_private:
        return
    for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
        check_public(url, str(entry[4][0]))


_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")  # RFC 8215: of one network, to be refused
_COMPATIBLE = ipaddress.ip_network("::/96")  # RFC 4291, 2.5.5.1; given up, but still routed by some


def _translated(address: "Address") -> "Address":
    """Return the IPv4 address that an IPv6 address leads to, where a gateway translates it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _LOCAL_NAT64:
        return ipaddress.IPv6Address("::1")
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    tunnelled = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or tunnelled or address


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def check_public(url: str, text: str) -> None:
    """Refuse an address of the own network.

    Args:
        url: What was to be fetched, for the sentence.
        text: IPv4 or IPv6 address.

    Raises:
        SourceUnavailable: If it is not public.
    """
    stated = ipaddress.ip_address(text.split("%", maxsplit=1)[0])
    address = _translated(stated)
    if not address.is_global or address.is_multicast or getattr(address, "is_site_local", False):
        raise SourceUnavailable(
            f"{url} must lie on the public internet, got the address {address}. If it is a server "
            "of your own network, set fetch_private."
        )
