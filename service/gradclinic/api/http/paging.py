"""Keyset pagination: the next page starts after the last item of this one, even if items are added."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Query, Request, Response

from ...store import Page
from .dependencies import Limit, item_of

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Paging:
    """The requested page of a list."""

    request: Request
    response: Response
    after: str | None
    limit: int

    def answer(
        self, model: Callable[..., Answer], page: Page[Item], *, item: Callable[[Item], object], **more: object
    ) -> Answer:
        """The page as `model`, with items converted by `item`; sets the header `Link` to the next page."""
        next_page = link_next(self.request, self.response, page.next)
        return model(items=[item(each) for each in page.items], next=next_page, **more)


def _page_of(noun: str) -> object:
    """The dependency that takes the page of a list whose items have ids `<noun>_...` from the request."""

    def page(
        request: Request, response: Response, after: Annotated[str | None, item_of(noun)] = None, limit: Limit = 50
    ) -> Paging:
        return Paging(request, response, after, limit)

    return Depends(page)


def _page_of_runs(
    request: Request,
    response: Response,
    after: Annotated[
        str | None,
        Query(
            max_length=1500,
            pattern=r"^(run_[A-Za-z0-9]+|[A-Za-z0-9_-]+)$",  # the first in the order of creation, the second in others
            description="Continue after this item: the `next` of a page that has the same `sort`.",
        ),
    ] = None,
    limit: Limit = 50,
) -> Paging:
    return Paging(request, response, after, limit)


PageOfRuns = Annotated[Paging, Depends(_page_of_runs)]
PageOfStudies = Annotated[Paging, _page_of("study")]
PageOfPrescriptions = Annotated[Paging, _page_of("prescription")]
PageOfChecks = Annotated[Paging, _page_of("check")]
PageOfDatasets = Annotated[Paging, _page_of("data")]
PageOfDeliveries = Annotated[Paging, _page_of("delivery")]
PageOfActs = Annotated[Paging, _page_of("act")]


def link_next(request: Request, response: Response, key: str | None) -> str | None:
    """Set the header `Link` (RFC 8288) to the address of the next page; returns the key for the body."""
    if key is not None:
        url = request.url.include_query_params(after=key)
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return key
