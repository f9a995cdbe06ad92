"""What the routes of runs, studies and prescriptions have in common: headers of what was accepted, and cancelling."""

from typing import Any, Protocol, TypeVar

from fastapi import Response

RETRY_AFTER_S = "1"


class Submitted(Protocol):
    """Something that the service works on."""

    @property
    def status(self) -> str:
        """Its state."""


Item_co = TypeVar("Item_co", bound=Submitted, covariant=True)


class Cancellable(Protocol[Item_co]):
    """A part of the store whose items can be cancelled."""

    def get(self, identifier: str, /) -> Item_co:
        """One item; raises NotFound."""

    def request_cancel(self, identifier: str, /) -> Item_co:
        """Cancel what waits, ask what runs to stop; raises Conflict when it ended otherwise."""


def headers_of(what: str) -> dict[str, Any]:
    """The headers of a 202, for its OpenAPI description."""
    return {
        "Location": {"description": f"The {what}.", "schema": {"type": "string"}},
        "Retry-After": {"description": "Seconds until looking again is worth it.", "schema": {"type": "string"}},
    }


def point_to(response: Response, address: str) -> None:
    """Say where what was accepted is, and when looking is worth it."""
    response.headers["Location"] = address
    response.headers["Retry-After"] = RETRY_AFTER_S


def cancel(items: Cancellable[Item_co], identifier: str, response: Response) -> Item_co:
    """Cancel one: the answer's status is 200 where it was cancelled before, else the route's own."""
    before = items.get(identifier)
    canceled = items.request_cancel(identifier)
    if before.status == "canceled":
        response.status_code = 200
    return canceled
