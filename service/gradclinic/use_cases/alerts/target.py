"""Where alerts may be sent: to public addresses by https, unless a setting allows more."""

import asyncio
import re
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpx

from ...kernel.errors import InvalidSpec

_NAT64 = IPv6Network("64:ff9b::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""The only IPv6 addresses of the internet (RFC 4291). Outside of them are other forms that contain an IPv4 address."""
PUBLIC = "a public address"
_A_HOST = "an IP address, or labels of at most 63 letters, digits, - and _, with dots between them"
_LABEL = re.compile("[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST_NAME = 253
"""Characters of a host name (RFC 1123)."""


class NoTarget(Exception):
    """An alert cannot be sent there; the text says why."""


def check_url(url: str, *, private: bool) -> None:
    """Raises InvalidSpec if alerts may not be sent to an URL; `private` allows http and private addresses."""
    try:
        parts = httpx.URL(url)
        host, port = parts.host, parts.port
    except (httpx.InvalidURL, ValueError):  # of which those for names in Punycode are a kind
        raise InvalidSpec.at("/url", "this is no URL", value="...", allowed="https://HOST/PATH") from None
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise InvalidSpec.at("/url", "alerts are only sent by https", value=parts.scheme[:20], allowed="https")
    if not host or parts.userinfo or parts.fragment or not (port is None or 0 < port < 65_536):
        text = "the URL has no host, or a user name, a fragment or a wrong port"
        raise InvalidSpec.at("/url", text, value="...", allowed="https://HOST/PATH")
    if not _is_host(parts.raw_host.decode("ascii")):
        raise InvalidSpec.at("/url", "this is no host name", value=host, allowed=_A_HOST)
    if not private and _is_private_literal(host):
        raise InvalidSpec.at("/url", "alerts are not sent to private addresses", value=host, allowed=PUBLIC)


async def resolve(host: str, port: int, *, private: bool) -> str:
    """An address of a host, to which the request then goes. Raises NoTarget if it has none, or a private one.

    It is looked up once: a name that changes its address in between leads nowhere else.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NoTarget("its host name has no address") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses:
        raise NoTarget("its host name has no address")
    if not private and not all(map(is_public, addresses)):
        raise NoTarget("its host name has a private address, to which alerts are not sent")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet, also if it is an IPv4 address within an IPv6 one."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        within = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if parsed in _NAT64:
            within = IPv4Address(int(parsed) & 0xFFFFFFFF)
        if within is None and parsed not in _GLOBAL_UNICAST:
            return False
        parsed = within or parsed
    return parsed.is_global and not parsed.is_multicast


def _is_host(text: str) -> bool:
    """Whether it is an IP address, or a host name as the internet has them; others have ways to be read differently."""
    try:
        ip_address(text)
    except ValueError:
        labels = text.removesuffix(".").split(".")
        return len(text) <= _LONGEST_NAME and all(map(_LABEL.fullmatch, labels))
    return True


def _is_private_literal(host: str) -> bool:
    try:
        address = str(ip_address(host))
    except ValueError:
        try:
            address = socket.inet_ntoa(socket.inet_aton(host))  # 127.1, 2130706433 and 0x7f000001 are addresses, too
        except OSError:
            return f".{host.lower().rstrip('.')}".endswith(".localhost")
    return not is_public(address)
