"""One login, from the redirect to the provider until the answer.

A secret in a cookie ties it to its browser. All else follows from the secret, so nothing is stored meanwhile.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Annotated

from pydantic import BaseModel, Field

from ...kernel.access import digest_of, new_secret

_Sent = Annotated[str, Field(max_length=8000)]


class Returned(BaseModel):
    """What a browser brings back from the provider, as parameters of its address."""

    state: _Sent = ""
    code: _Sent = ""
    """Exchanged for tokens, once."""
    error: _Sent = ""
    iss: _Sent = ""
    """The issuer (RFC 9207); not all providers send it."""


@dataclass(frozen=True)
class LoginAttempt:
    """What the provider gets of a login."""

    secret: str = field(default_factory=new_secret, repr=False)

    @property
    def nonce(self) -> str:
        """What the ID token must repeat, so that it is one for this login."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """The PKCE code verifier (RFC 7636), without which nobody can use the code."""
        return self._derived("verifier")

    def state(self, to: str) -> str:
        """What the provider sends back (RFC 6749, section 10.12), with the page that is shown afterwards."""
        return f"{self._derived(f'state:{to}')}.{urlsafe_b64encode(to.encode()).decode()}"

    def destination(self, state: str) -> str | None:
        """The page that a state names; None if it is not a state of this login."""
        try:
            to = urlsafe_b64decode(state.partition(".")[2].encode("ascii")).decode()
        except ValueError:
            return None
        return to if compare_digest(state.encode(), self.state(to).encode()) else None

    def _derived(self, purpose: str) -> str:
        return digest_of(f"oidc:{purpose}:{self.secret}")
