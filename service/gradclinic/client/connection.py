"""The connection to a service: JSON over HTTP, parsed into the same models that the service uses."""

import json
import re
from collections.abc import Iterator, Mapping
from time import monotonic, sleep
from typing import Any, TypeVar

import httpx
from pydantic import ValidationError

from ..kernel import errors
from ..kernel.access import authorization
from ..kernel.json import JsonObject
from ..kernel.program import COMMAND
from ..schemas.base import Answer
from .problem import error_from

TOO_MANY_REQUESTS = 429
LONGEST_WAIT_S = 120.0
"""Maximum number of seconds that a request waits because too many were sent."""
DRAWING_S = 120.0
"""Timeout of a report in seconds; its charts have to be drawn."""
_THIS_MACHINE = ("all://127.0.0.1", "all://localhost", "all://[::1]")
"""Local addresses; they are never reached through a proxy from the environment."""

AnswerT = TypeVar("AnswerT", bound=Answer)


_ADDRESSES = "http://HOST:PORT, or https://HOST"


class Connection:
    """Sends requests to one service. All failures are raised as errors of `gradclinic.errors`."""

    def __init__(self, url: str, *, timeout_s: float, api_key: str | None = None, project: str | None = None) -> None:
        self.url = url.rstrip("/")
        self.headers = authorization(api_key, project=project)
        """The headers of every request: the API key, and the project if one is named."""
        self._open(
            base_url=self.url,
            timeout=httpx.Timeout(timeout_s, connect=5.0),
            mounts=dict.fromkeys(_THIS_MACHINE),
            headers=self.headers,
        )

    def _open(self, **options: Any) -> None:
        self._http = httpx.Client(**options)

    def _response(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._http.request(method, path, **options)

    def pause(self, seconds: float) -> None:
        """Wait some seconds."""
        sleep(seconds)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, answer: type[AnswerT], path: str, **parameters: Any) -> AnswerT:
        """Get a resource."""
        return self._parse(answer, self.document(path, **parameters))

    def items(self, answer: type[AnswerT], path: str, **parameters: Any) -> Iterator[AnswerT]:
        """Iterate over a list, page by page."""
        page = self.document(path, **parameters)
        yield from (self._parse(answer, item) for item in page["items"])
        while page["next"] is not None:
            page = self.document(path, **{**parameters, "after": page["next"]})
            yield from (self._parse(answer, item) for item in page["items"])

    def post(
        self,
        answer: type[AnswerT],
        path: str,
        body: JsonObject | None = None,
        *,
        key: str | None = None,
        **parameters: Any,
    ) -> AnswerT:
        """Post a JSON body; of requests with the same `key`, only the first one creates something."""
        return self._parse(answer, self._send("POST", path, body, key=key, **parameters).json())

    def put(self, answer: type[AnswerT], path: str, body: JsonObject) -> AnswerT:
        """Replace a resource."""
        return self._parse(answer, self._send("PUT", path, body).json())

    def patch(self, answer: type[AnswerT], path: str, body: Mapping[str, object]) -> AnswerT:
        """Change parts of a resource."""
        return self._parse(answer, self._send("PATCH", path, dict(body)).json())

    def upload(self, answer: type[AnswerT], path: str, content: bytes, *, kind: str, **parameters: Any) -> AnswerT:
        """Post the content of a file."""
        headers = {"Content-Type": kind}
        return self._parse(
            answer, self._request("POST", path, content=content, headers=headers, params=parameters).json()
        )

    def command(self, path: str) -> None:
        """Post without a body, and ignore the answer."""
        self._request("POST", path)

    def delete(self, path: str) -> None:
        """Delete a resource."""
        self._request("DELETE", path)

    def document(self, path: str, **parameters: Any) -> JsonObject:
        """Get a resource as JSON, without parsing it into a model."""
        found: JsonObject = self._request("GET", path, params=parameters).json()
        return found

    def text(self, path: str, **parameters: Any) -> str:
        """Get a report as text."""
        return self._request("GET", path, params=parameters, timeout=DRAWING_S).text

    def download(self, path: str, **parameters: Any) -> bytes:
        """Get a resource as bytes."""
        return self._request("GET", path, params=parameters).content

    def _parse(self, answer: type[AnswerT], document: object) -> AnswerT:
        try:
            return answer.parse(document)
        except ValidationError as error:
            first = error.errors()[0]
            place = "/".join(str(part) for part in first["loc"])
            raise errors.ServiceUnavailable(
                f"the answer of {self.url} cannot be parsed ({place}: {first['msg']}); is it a different version?"
            ) from None

    def _send(
        self, method: str, path: str, body: JsonObject | None, *, key: str | None = None, **parameters: Any
    ) -> httpx.Response:
        content = None if body is None else json.dumps(body)  # NaN goes through: the service reports where it is
        headers = {} if content is None else {"Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return self._request(method, path, content=content, headers=headers, params=parameters)

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._within_rate(method, path, **options)
        except httpx.ConnectError:
            raise errors.ServiceUnavailable(
                f"no service answers at {self.url}; start one with `{COMMAND} serve`, or give another address"
            ) from None
        except httpx.UnsupportedProtocol:
            raise errors.InvalidRequest.at("", f"{self.url!r} is no address of a service", allowed=_ADDRESSES) from None
        except httpx.InvalidURL as error:
            problem = f"{self.url!r} is no address: {error}"
            raise errors.InvalidRequest.at("", problem, allowed=_ADDRESSES) from None
        except httpx.HTTPError as error:
            raise errors.ServiceUnavailable(
                f"the service at {self.url} does not respond: {str(error) or type(error).__name__}"
            ) from None
        if response.is_error:
            raise error_from(response)
        return response

    def _within_rate(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The response; a request beyond the rate limit, which changed nothing, is sent again when the service says."""
        deadline = monotonic() + LONGEST_WAIT_S
        while True:
            response = self._response(method, path, **options)
            pause = response.headers.get("Retry-After", "") if response.status_code == TOO_MANY_REQUESTS else ""
            if not pause.isdecimal() or monotonic() + int(pause) > deadline:
                return response
            self.pause(int(pause))


class Calls:
    """The methods for one kind of resource; `Clinic` combines all of them."""

    connection: Connection


def without_none(values: Mapping[str, Any]) -> JsonObject:
    """The values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def name_in_path(name: str) -> str:
    """A name to be used in a URL path; raises InvalidSpec if it would change the path."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) is None:
        raise errors.InvalidSpec.at("", "not a name", value=name, allowed="letters, digits, dots, dashes, underscores")
    return name


def id_in_path(identifier: str) -> str:
    """An id to be used in a URL path; raises NotFound if it is malformed."""
    if not identifier.replace("_", "").isalnum():
        raise errors.NotFound(f"{identifier!r} is not an id")
    return identifier
