"""Keyset pages: the next page begins after the last item of this one, whatever was added meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request, Response

from ...store import Page
from .dependencies import After, Limit

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Paging:
    """Which page of a list is asked for."""

    request: Request
    response: Response
    after: After = None
    limit: Limit = 50

    def answer(self, model: Callable[..., Answer], page: Page[Item], *, item: Callable[[Item], object]) -> Answer:
        """The page as `model`, each item as `item` has it; the next page's address goes into the header `Link`."""
        return model(items=[item(each) for each in page.items], next=link_next(self.request, self.response, page.next))


ThePage = Annotated[Paging, Depends()]


def link_next(request: Request, response: Response, key: str | None) -> str | None:
    """Put the next page's address in the header `Link` (RFC 8288); the key, for the body."""
    if key is not None:
        url = request.url.include_query_params(after=key)
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return key
