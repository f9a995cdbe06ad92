"""An OpenID provider on loopback, with real redirects, codes, PKCE, and ID tokens signed with keys that rotate."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

CLIENT_ID, CLIENT_SECRET = "gradclinic", "a secret of the client"


def _new_key(kid: str | None = None) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid or secrets.token_hex(4)}, auto_kid=False)


@dataclass
class OpenIDProvider:
    """Logs in whoever `claims` says, without asking."""

    issuer: str
    claims: dict[str, Any] = field(default_factory=dict)
    wrong: dict[str, Any] = field(default_factory=dict)
    """Claims of ID tokens that are other than they should be; None leaves one out."""
    userinfo: dict[str, Any] | None = None
    answers_with: dict[str, str] = field(default_factory=dict)
    """Parameters with which browsers are sent back, beside or instead of the right ones."""
    babbles: bool = False
    """Whether the token endpoint sends no JSON."""
    forges: bool = False
    """Whether ID tokens are signed with a key that is not published."""
    key: ECKey = field(default_factory=_new_key)
    codes: dict[str, Mapping[str, str]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def begin_anew(self) -> None:
        """Let somebody log in who never did, with tokens that are right."""
        self.claims = {"sub": secrets.token_hex(8), "email": "ana@example.org", "groups": []}
        self.wrong, self.userinfo, self.answers_with = {}, None, {}
        self.forges = self.babbles = False

    def rotate(self) -> None:
        """Sign with a new key, and publish that one only."""
        self.key = _new_key()

    def metadata(self) -> dict[str, Any]:
        """The discovery document."""
        names = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "jwks_uri": "keys",
            "userinfo_endpoint": "userinfo",
            "end_session_endpoint": "logout",
        }
        return {"issuer": self.issuer} | {name: f"{self.issuer}/{path}" for name, path in names.items()}

    def authorized(self, asked: Mapping[str, str]) -> str:
        """The address that the browser is sent back to."""
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe()
        self.codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer, "session_state": "x", **self.answers_with}
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def token(self, form: Mapping[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """The answer of the token endpoint: a code is good once, for the client and browser that asked for it."""
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".replace(" ", "+").encode()).decode()
        plain = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if authorization not in (f"Basic {expected}", f"Basic {plain}"):
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or challenge != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
            or form["grant_type"] != "authorization_code"
        ):
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "access", "token_type": "Bearer", "id_token": self._id_token(asked["nonce"])}

    def _id_token(self, nonce: str) -> str:
        now = int(time.time())
        right = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 60, "nonce": nonce, **self.claims}
        claims = {name: value for name, value in (right | self.wrong).items() if value is not None}
        key = _new_key(self.key.kid) if self.forges else self.key
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims, key)


@contextmanager
def providing() -> Iterator[OpenIDProvider]:
    """A provider at a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            provider.requests.append(parts.path)
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if parts.path == "/authorize":
                self._answer(302, {}, {"Location": provider.authorized(asked)})
            elif parts.path == "/userinfo":
                assert self.headers["Authorization"] == "Bearer access"
                self._answer(200, provider.userinfo or {"sub": provider.claims["sub"]})
            elif parts.path == "/keys":
                self._answer(200, {"keys": [provider.key.as_dict(private=False, use="sig")]})
            else:
                self._answer(200, provider.metadata())

        def do_POST(self) -> None:
            provider.requests.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer(*provider.token(form, self.headers["Authorization"]))

        def _answer(self, status: int, document: object, headers: Mapping[str, str] | None = None) -> None:
            body = b"<html>" if provider.babbles and self.command == "POST" else json.dumps(document).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = OpenIDProvider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
