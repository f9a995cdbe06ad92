"""Shared by the routes of runs, studies, checks and prescriptions: response headers, and cancelling."""

from typing import Any, Protocol, TypeVar

from fastapi import Response

RETRY_AFTER_S = "1"


class Submitted(Protocol):
    """Work that was submitted to the service."""

    @property
    def status(self) -> str:
        """Its state."""


Item_co = TypeVar("Item_co", bound=Submitted, covariant=True)


class Cancellable(Protocol[Item_co]):
    """A part of the store with items that can be cancelled."""

    def get(self, identifier: str, /) -> Item_co:
        """One item; raises NotFound."""

    def request_cancel(self, identifier: str, /) -> Item_co:
        """Cancel queued work and ask running work to stop; raises Conflict if it has already ended."""


def headers_of(what: str) -> dict[str, Any]:
    """The headers of a 202, for its OpenAPI description."""
    return {
        "Location": {"description": f"The {what}.", "schema": {"type": "string"}},
        "Retry-After": {"description": "Recommended polling interval in seconds.", "schema": {"type": "string"}},
    }


def point_to(response: Response, address: str) -> None:
    """Set the headers `Location` and `Retry-After`."""
    response.headers["Location"] = address
    response.headers["Retry-After"] = RETRY_AFTER_S


def cancel(items: Cancellable[Item_co], identifier: str, response: Response) -> Item_co:
    """Cancel an item. The status of the response is 200 if it was already cancelled, otherwise the route's default."""
    before = items.get(identifier)
    canceled = items.request_cancel(identifier)
    if before.status == "canceled":
        response.status_code = 200
    return canceled
