"""An OpenID provider: authorization code flow with PKCE (OpenID Connect Core 1.0, RFC 7636, RFC 9207).

provider.address(attempt, to="/runs")      where the browser is sent
provider.identify(attempt, returned)       who came back; raises LoginFailed
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import structlog

from ...kernel.access import digest_of
from ...kernel.errors import ServiceUnavailable, SetupFailed
from ...kernel.json import JsonObject
from ...settings import Settings
from .attempt import LoginAttempt, Returned
from .identity import Identity

log = structlog.get_logger(__name__)

TIMEOUT_S = 5.0
"""Seconds that each request to the provider may take."""
KNOWN_FOR_S = 3600.0
"""Seconds for which the provider's addresses are used before they are read again."""
LEEWAY_S = 60
"""Seconds by which the provider's clock may differ."""
AT_ONCE = 8
"""Logins that wait for the provider at the same time, so that a slow one does not keep all threads waiting."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures that need the provider's private key; `none` and those with the client's secret are not among them."""


class LoginFailed(Exception):
    """Nobody is logged in; the text says why, for the operator."""


def check_settings(settings: Settings) -> None:
    """Raises SetupFailed if people shall log in by OpenID Connect, and something that this needs is not set."""
    if not settings.oidc_issuer:
        return
    needed = {
        "GRADCLINIC_ACCESS=required": settings.access == "required",
        "GRADCLINIC_PUBLIC_URL": settings.public_url,
        "GRADCLINIC_OIDC_CLIENT_ID": settings.oidc_client_id,
        "GRADCLINIC_OIDC_GROUPS": settings.oidc_groups,
    }
    if missing := [name for name, value in needed.items() if not value]:
        raise SetupFailed(f"GRADCLINIC_OIDC_ISSUER also needs {', '.join(missing)}")
    if not _is_safe(settings.oidc_issuer):
        raise SetupFailed("GRADCLINIC_OIDC_ISSUER must begin with https://, unless it is on this machine")
    if find_spec("authlib") is None:
        raise SetupFailed("authlib is not installed; install it with: pip install 'gradclinic[oidc]'")
    _secret_in(settings)


class Provider:
    """The provider of an installation. Its addresses and keys are read at the first login."""

    def __init__(self, settings: Settings, *, path: str) -> None:
        """`path` is where browsers come back to."""
        check_settings(settings)
        self._settings, self._secret = settings, _secret_in(settings)
        self._returns_to = settings.public_url.rstrip("/") + path
        self._addresses: JsonObject = {}
        self._addresses_until = 0.0
        self._keys: JsonObject = {}
        self._free = threading.BoundedSemaphore(AT_ONCE)

    def address(self, attempt: LoginAttempt, *, to: str) -> str:
        """Where a browser is sent to log in. Raises ServiceUnavailable if the provider does not answer."""
        with self._client() as client:
            address, _ = client.create_authorization_url(
                self._address(client, "authorization_endpoint"),
                state=attempt.state(to),
                nonce=attempt.nonce,
                code_verifier=attempt.verifier,
            )
        return str(address)

    def logout_address(self, *, returns_to: str) -> str:
        """Where a browser is sent to log out at the provider, too (OpenID Connect RP-Initiated Logout 1.0).

        The provider then leads it to the path `returns_to` here. Raises LoginFailed if the provider has no such
        address, and ServiceUnavailable if it does not answer.
        """
        with self._client() as client:
            address = self._address(client, "end_session_endpoint")
        home = self._settings.public_url.rstrip("/")
        asked = urlencode(
            {"client_id": self._settings.oidc_client_id, "post_logout_redirect_uri": f"{home}{returns_to}"}
        )
        return f"{address}{'&' if urlsplit(address).query else '?'}{asked}"

    def identify(self, attempt: LoginAttempt, returned: Returned) -> Identity:
        """Exchange the code for tokens, and read who they are about.

        Raises LoginFailed if they are not valid, and ServiceUnavailable if the provider does not answer.
        """
        if returned.error or not returned.code:
            raise LoginFailed(f"the provider answered {returned.error[:100]!r}")
        if returned.iss not in ("", self._settings.oidc_issuer):
            raise LoginFailed("the answer is of another issuer")
        with self._client() as client:
            token = client.fetch_token(
                self._address(client, "token_endpoint"), code=returned.code, code_verifier=attempt.verifier
            )
            claims = self._verified(client, token, attempt)
            groups = claims.get(self._settings.oidc_groups_claim)
            if groups is None and "userinfo_endpoint" in self._addresses:
                groups = self._groups_elsewhere(client, token, str(claims["sub"]))
        return Identity(
            subject=digest_of(f"{claims['iss']} {claims['sub']}"),
            name=_name_in(claims),
            groups=_listed(groups),
        )

    @contextmanager
    def _client(self) -> Iterator[Any]:
        """An HTTP client of this service's registration; what goes wrong with it has an error of ours."""
        from authlib.integrations.base_client import OAuthError
        from authlib.integrations.httpx_client import OAuth2Client
        from httpx2 import HTTPError, InvalidURL
        from joserfc.errors import JoseError

        if not self._free.acquire(blocking=False):
            raise ServiceUnavailable("too many people are logging in; try again later")
        try:
            with OAuth2Client(
                self._settings.oidc_client_id,
                self._secret,
                scope=self._settings.oidc_scope,
                redirect_uri=self._returns_to,
                code_challenge_method="S256",
                token_endpoint_auth_method=self._authenticates_by(),
                timeout=TIMEOUT_S,
                trust_env=False,
            ) as client:
                yield client
        except (OAuthError, JoseError, ValueError) as error:
            raise LoginFailed(f"{type(error).__name__}: {error}") from error
        except (HTTPError, InvalidURL) as error:
            log.warning("openid_provider_unavailable", error=f"{type(error).__name__}: {error}")
            raise ServiceUnavailable("the OpenID provider does not answer; try again later") from error
        finally:
            self._free.release()

    def _authenticates_by(self) -> str:
        if self._secret is None:
            return "none"
        supported = self._addresses.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return "client_secret_basic" if "client_secret_basic" in supported else "client_secret_post"

    def _address(self, client: Any, name: str) -> str:
        """An address of the provider, from its metadata (OpenID Connect Discovery 1.0)."""
        if time.monotonic() >= self._addresses_until:
            issuer = self._settings.oidc_issuer
            found = _json(client, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != issuer:
                raise LoginFailed(f"the metadata is of another issuer than {issuer}")
            self._addresses, self._addresses_until = found, time.monotonic() + KNOWN_FOR_S
            client.token_endpoint_auth_method = self._authenticates_by()
        address = str(self._addresses.get(name))
        if not _is_safe(address):
            raise LoginFailed(f"the metadata has no {name} with https")
        return address

    def _verified(self, client: Any, token: JsonObject, attempt: LoginAttempt) -> JsonObject:
        """The claims of an ID token whose signature, issuer, audience, times and nonce are right."""
        from authlib.oidc.core import CodeIDToken

        text = token.get("id_token")
        if not isinstance(text, str):
            raise LoginFailed("the provider sent no ID token")
        decoded = self._decoded(client, text)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            options={
                "iss": {"essential": True, "value": self._settings.oidc_issuer},
                "aud": {"essential": True, "value": self._settings.oidc_client_id},
                "sub": {"essential": True},
            },
            params={
                "nonce": attempt.nonce,
                "client_id": self._settings.oidc_client_id,
                "access_token": token.get("access_token"),
            },
        )
        claims.validate(leeway=LEEWAY_S)
        return claims  # type: ignore[no-any-return]  # a dict, of a library without types

    def _decoded(self, client: Any, text: str) -> Any:
        """A token whose signature is right. Keys that do not fit are read again, because providers replace them."""
        from joserfc.errors import JoseError

        if self._keys:
            try:
                return self._decode(text)
            except (JoseError, ValueError):
                log.info("openid_keys_read_again")
        self._keys = _json(client, self._address(client, "jwks_uri"))
        try:
            return self._decode(text)
        except ValueError as error:
            raise LoginFailed("no key of the provider fits the ID token") from error

    def _decode(self, text: str) -> Any:
        from joserfc import jwt
        from joserfc.jwk import KeySet

        keys = [key for key in self._keys.get("keys", ()) if key.get("use", "sig") == "sig"]
        return jwt.decode(text, KeySet.import_key_set({"keys": keys}), algorithms=ALGORITHMS)

    def _groups_elsewhere(self, client: Any, token: JsonObject, subject: str) -> object:
        """The groups in the userinfo of the same person (OpenID Connect Core 1.0, section 5.3)."""
        address = self._address(client, "userinfo_endpoint")
        found = _json(client, address, headers={"Authorization": f"Bearer {token.get('access_token', '')}"})
        if found.get("sub") != subject:
            raise LoginFailed("the userinfo is of another person than the ID token")
        return found.get(self._settings.oidc_groups_claim)


def _json(client: Any, address: str, *, headers: Mapping[str, str] | None = None) -> JsonObject:
    response = client.request("GET", address, withhold_token=True, headers=headers)
    if response.status_code != 200:
        raise LoginFailed(f"{address} answered {response.status_code}")
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise LoginFailed(f"{address} sent no JSON object")
    return found


def _listed(groups: object) -> list[str]:
    """The groups of a claim: a list, or the name of the only one."""
    if isinstance(groups, str):
        return [groups]
    return [each for each in groups if isinstance(each, str)] if isinstance(groups, list) else []


def _name_in(claims: JsonObject) -> str:
    """What a person is called in the audit and in lists."""
    found = (claims.get(name) for name in ("email", "preferred_username", "name", "sub"))
    text = next((each for each in found if isinstance(each, str) and each), str(claims["sub"]))
    return "".join(character for character in text if character.isprintable())[:200]


def _secret_in(settings: Settings) -> str | None:
    if not settings.oidc_client_secret_file:
        return None
    try:
        return Path(settings.oidc_client_secret_file).read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise SetupFailed(f"GRADCLINIC_OIDC_CLIENT_SECRET_FILE cannot be read: {reason}") from None


def _is_safe(address: str) -> bool:
    """Whether an address has https, or is on this machine."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
