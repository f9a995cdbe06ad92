"""Refuses requests for a host name that is not this service's.

This prevents DNS rebinding: another site could make its own name resolve to this machine. The browser would then treat
the service as part of that site, and its pages could read and change everything.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from .problems import problem

_HOST = re.compile(r"(\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[a-z0-9_.-]+))(:[0-9]*)?")
"""A `Host` header in lower case (RFC 9110, section 7.2)."""


class KnownHost:
    """Refuses requests whose `Host` is a name that is not in `names`.

    IP addresses and `localhost` are always accepted, because no page of another site can have such a name. So are
    requests without the header, which no browser sends.
    """

    def __init__(self, app: ASGIApp, *, names: Collection[str]) -> None:
        self.app = app
        self.names = frozenset({"localhost", *(name.lower().rstrip(".") for name in names)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        host = Headers(scope=scope).get("host", "") if scope["type"] == "http" else ""
        if not host or _is_known(_name_of(host), self.names):
            await self.app(scope, receive, send)
            return
        response = problem(
            Request(scope),
            status=421,
            code="unknown_host",
            title="Unknown host",
            detail=f"{host[:200]!r} is not a host name of this service. Allowed are localhost, IP addresses, and the "
            "names in GRADCLINIC_ALLOWED_HOSTS; if the name is correct, add it there.",
        )
        await response(scope, receive, send)


def _name_of(host: str) -> str:
    """The name in a `Host` header, without its port: `[::1]:8000` is `::1`; empty if the header is malformed."""
    found = _HOST.fullmatch(host.lower())
    return (found["address"] or found["name"].rstrip(".")) if found else ""


def _is_known(name: str, names: Collection[str]) -> bool:
    return _is_address(name) or any(_covers(known, name) for known in names)


def _covers(known: str, name: str) -> bool:
    """Whether a name matches a pattern: `*.example.org` covers `a.example.org`, `*` every name."""
    if known == "*":
        return bool(name)
    return name == known or (known.startswith("*.") and name.endswith(known[1:]))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
