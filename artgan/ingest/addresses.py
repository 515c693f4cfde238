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


def check_public(url: str, text: str) -> None:
    """Refuse an address of the own network.

    Args:
        url: What was to be fetched, for the sentence.
        text: IPv4 or IPv6 address.

    Raises:
        SourceUnavailable: If it is not public.
    """
    address = ipaddress.ip_address(text.split("%", maxsplit=1)[0])
    address = getattr(address, "ipv4_mapped", None) or address
    if not address.is_global or address.is_multicast:
        raise SourceUnavailable(
            f"{url} must lie on the public internet, got the address {address}. If it is a server "
            "of your own network, set fetch_private."
        )
