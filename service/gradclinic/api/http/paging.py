"""Keyset pagination: the next page starts after the last item of this one, even if items are added."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Request, Response

from ...store import Page
from .dependencies import AfterAct, AfterCheck, AfterDataset, AfterPrescription, AfterRun, AfterStudy, Limit

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Paging:
    """The requested page of a list."""

    request: Request
    response: Response
    after: str | None = None
    limit: Limit = 50

    def answer(self, model: Callable[..., Answer], page: Page[Item], *, item: Callable[[Item], object]) -> Answer:
        """The page as `model`, with items converted by `item`; sets the header `Link` to the next page."""
        return model(items=[item(each) for each in page.items], next=link_next(self.request, self.response, page.next))


@dataclass(frozen=True)
class _RunPaging(Paging):
    """The requested page of runs."""

    after: AfterRun = None


@dataclass(frozen=True)
class _StudyPaging(Paging):
    """The requested page of studies."""

    after: AfterStudy = None


@dataclass(frozen=True)
class _PrescriptionPaging(Paging):
    """The requested page of prescriptions."""

    after: AfterPrescription = None


@dataclass(frozen=True)
class _CheckPaging(Paging):
    """The requested page of checks."""

    after: AfterCheck = None


@dataclass(frozen=True)
class _DatasetPaging(Paging):
    """The requested page of data sets."""

    after: AfterDataset = None


@dataclass(frozen=True)
class _ActPaging(Paging):
    """The requested page of entries of the audit."""

    after: AfterAct = None


PageOfRuns = Annotated[_RunPaging, Depends()]
PageOfStudies = Annotated[_StudyPaging, Depends()]
PageOfPrescriptions = Annotated[_PrescriptionPaging, Depends()]
PageOfChecks = Annotated[_CheckPaging, Depends()]
PageOfDatasets = Annotated[_DatasetPaging, Depends()]
PageOfActs = Annotated[_ActPaging, Depends()]


def link_next(request: Request, response: Response, key: str | None) -> str | None:
    """Set the header `Link` (RFC 8288) to the address of the next page; returns the key for the body."""
    if key is not None:
        url = request.url.include_query_params(after=key)
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return key
