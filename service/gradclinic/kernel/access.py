"""API keys: their scopes, their form `<id>.<secret>`, and the digest that is stored.

key = "key_01K0A.Zb3..."                   shown once, when it is created
split(key) -> ("key_01K0A", "Zb3...")      None if it is malformed
digest_of("Zb3...")                        what the database has
authorization(key, project="vision")       the headers that a client sends
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from .errors import InvalidRequest
from .program import COMMAND
from .project import PROJECT_HEADER, checked

Scope = Literal["read", "run", "manage", "admin"]
"""What a key may do; each scope includes those before it."""
SCOPES: tuple[Scope, ...] = get_args(Scope)
KEY_VARIABLE = "GRADCLINIC_API_KEY"
"""The environment variable from which the client, the command line and the recorder take their key."""

_SECRET_BYTES = 32
_FORM = re.compile(r"(?P<id>[A-Za-z0-9_]{1,40})\.(?P<secret>[A-Za-z0-9_-]{1,100})")


def covers(scope: Scope, needed: Scope) -> bool:
    """Whether a scope includes another one."""
    return SCOPES.index(scope) >= SCOPES.index(needed)


@dataclass(frozen=True)
class Grant:
    """What somebody may do in a project; with the scope admin, in all projects."""

    project: str
    scope: Scope


def grant_in(project: str | None, grants: Sequence[Grant]) -> Grant:
    """What somebody with these grants, at least one, may do in a project; by default, and if nothing, in the first."""
    chosen = next((each for each in grants if each.project == project), grants[0])
    if any(each.scope == "admin" for each in grants):
        return Grant(project or chosen.project, "admin")
    return chosen


def new_secret() -> str:
    """256 random bits, in characters that a header and a cookie can hold."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def digest_of(secret: str) -> str:
    """The SHA-256 of a secret, as hexadecimal digits.

    A slow hash protects secrets that people choose. These have 256 random bits, so no list of guesses can contain them,
    and a hash that takes long would let anyone keep the service busy with wrong keys.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def split(key: str) -> tuple[str, str] | None:
    """The identifier and the secret of a key; None if it is malformed."""
    found = _FORM.fullmatch(key)
    return None if found is None else (found["id"], found["secret"])


def authorization(key: str | None, *, project: str | None = None) -> dict[str, str]:
    """The headers that carry a key and name a project, empty without them.

    Raises InvalidRequest if one of them is malformed; its text does not show the key.
    """
    text = (key or "").strip()
    named = {PROJECT_HEADER: checked(project)} if project else {}
    if not text:
        return named
    if split(text) is None:
        raise InvalidRequest.at(
            "", "the API key is malformed", allowed=f"<id>.<secret>, as `{COMMAND} keys create` prints it"
        )
    return {"Authorization": f"Bearer {text}", **named}
