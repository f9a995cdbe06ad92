"""The connection to a service: JSON over HTTP, parsed into the models that the service answers with."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import httpx
from pydantic import ValidationError

from ..kernel import errors
from ..kernel.json import JsonObject
from ..schemas.base import Answer
from .problem import error_from

DRAWING_S = 120.0
"""Seconds that a report may take, whose charts are drawn for it."""
_THIS_MACHINE = ("all://127.0.0.1", "all://localhost", "all://[::1]")
"""Addresses that no proxy of the environment can reach."""

AnswerT = TypeVar("AnswerT", bound=Answer)


class Connection:
    """Sends requests to one service; whatever goes wrong is an error of `gradclinic.errors`."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=self.url, timeout=httpx.Timeout(timeout_s, connect=5.0), mounts=dict.fromkeys(_THIS_MACHINE)
        )

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def get(self, answer: type[AnswerT], path: str, **parameters: Any) -> AnswerT:
        """What is at a path of the API."""
        return self._parse(answer, self.document(path, **parameters))

    def items(self, answer: type[AnswerT], path: str, **parameters: Any) -> Iterator[AnswerT]:
        """The items of every page of a list."""
        page = self.document(path, **parameters)
        yield from (self._parse(answer, item) for item in page["items"])
        while page["next"] is not None:
            page = self.document(path, **{**parameters, "after": page["next"]})
            yield from (self._parse(answer, item) for item in page["items"])

    def post(self, answer: type[AnswerT], path: str, body: JsonObject | None = None, **parameters: Any) -> AnswerT:
        """The answer to a JSON body."""
        return self._parse(answer, self._send("POST", path, body, **parameters).json())

    def put(self, answer: type[AnswerT], path: str, body: JsonObject) -> AnswerT:
        """The answer to a JSON body that replaces what is at a path."""
        return self._parse(answer, self._send("PUT", path, body).json())

    def upload(self, answer: type[AnswerT], path: str, content: bytes, *, kind: str, **parameters: Any) -> AnswerT:
        """The answer to the content of a file."""
        headers = {"Content-Type": kind}
        return self._parse(
            answer, self._request("POST", path, content=content, headers=headers, params=parameters).json()
        )

    def command(self, path: str) -> None:
        """Ask for something whose answer says nothing new."""
        self._request("POST", path)

    def delete(self, path: str) -> None:
        """Remove what is at a path of the API."""
        self._request("DELETE", path)

    def document(self, path: str, **parameters: Any) -> JsonObject:
        """The JSON at a path of the API, as it is."""
        found: JsonObject = self._request("GET", path, params=parameters).json()
        return found

    def text(self, path: str, **parameters: Any) -> str:
        """The text of a report at a path of the API."""
        return self._request("GET", path, params=parameters, timeout=DRAWING_S).text

    def download(self, path: str, **parameters: Any) -> bytes:
        """What is at a path of the API, as bytes."""
        return self._request("GET", path, params=parameters).content

    def _parse(self, answer: type[AnswerT], document: object) -> AnswerT:
        try:
            return answer.parse(document)
        except ValidationError as error:
            first = error.errors()[0]
            place = "/".join(str(part) for part in first["loc"])
            raise errors.ServiceUnavailable(
                f"the answer of {self.url} cannot be read ({place}: {first['msg']}); do its version and this one fit?"
            ) from None

    def _send(self, method: str, path: str, body: JsonObject | None, **parameters: Any) -> httpx.Response:
        content = None if body is None else json.dumps(body)  # NaN goes through: the service names its place
        headers = {} if content is None else {"Content-Type": "application/json"}
        return self._request(method, path, content=content, headers=headers, params=parameters)

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **options)
        except httpx.ConnectError:
            raise errors.ServiceUnavailable(
                f"no service answers at {self.url}; start one with `gradclinic serve`, or name another with --url"
            ) from None
        except httpx.UnsupportedProtocol:
            raise errors.ServiceUnavailable(f"{self.url} is not a service's address; it begins with http://") from None
        except httpx.InvalidURL as error:
            raise errors.ServiceUnavailable(f"{self.url} is not an address: {error}") from None
        except httpx.HTTPError as error:
            raise errors.ServiceUnavailable(
                f"the service at {self.url} does not answer: {str(error) or type(error).__name__}"
            ) from None
        if response.is_error:
            raise error_from(response)
        return response


class Calls:
    """Calls of one kind of resource; a `Clinic` has those of every kind."""

    connection: Connection


def without_none(values: Mapping[str, Any]) -> JsonObject:
    """The values that were given."""
    return {name: value for name, value in values.items() if value is not None}


def name_in_path(name: str) -> str:
    """A name that stands in an address; raises InvalidSpec where it would lead elsewhere."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) is None:
        raise errors.InvalidSpec.at("", "no name", value=name, allowed="letters, digits, dots, dashes, underscores")
    return name


def id_in_path(identifier: str) -> str:
    """An identifier that stands in an address; raises NotFound where it is none."""
    if not identifier.replace("_", "").isalnum():
        raise errors.NotFound(f"{identifier!r} is no identifier")
    return identifier
