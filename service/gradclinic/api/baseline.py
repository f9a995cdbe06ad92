"""`/v1/baselines`: named, pinned sets of runs."""

from fastapi import APIRouter, Request, Response

from ..schemas.baseline import BaselineAnswer, BaselinePage
from ..schemas.requests.baseline import BaselineRequest
from ..use_cases import baseline as baselines
from .http.body import StrictJSONRoute
from .http.dependencies import BODY_PROBLEMS, AfterName, BaselineName, Limit, TheService, problems
from .http.paging import link_next

router = APIRouter(prefix="/v1/baselines", tags=["regression"], route_class=StrictJSONRoute)


@router.put(
    "/{name}",
    summary="Create or update a baseline",
    responses={
        201: {"description": "Created; no baseline had this name.", "model": BaselineAnswer},
        **problems(404, 409, *BODY_PROBLEMS),
    },
)
def pin_baseline(name: BaselineName, body: BaselineRequest, service: TheService, response: Response) -> BaselineAnswer:
    """Pin ended runs of one experiment as a named baseline. Earlier pins stay in its `history`.

    The runs cannot be deleted while a baseline or a check uses them.
    """
    pinned = baselines.pin_baseline(service, name, body)
    if not pinned.replayed and len(pinned.item.history) == 1:
        response.status_code = 201
    return BaselineAnswer.model_validate(pinned.item)


@router.get("", summary="List baselines", responses=problems(422))
def list_baselines(
    *, service: TheService, request: Request, response: Response, after: AfterName = None, limit: Limit = 50
) -> BaselinePage:
    """Baselines, by name."""
    page = service.store.baselines.page(after=after, limit=limit)
    return BaselinePage(
        items=[BaselineAnswer.model_validate(each) for each in page.items],
        next=link_next(request, response, page.next),
    )


@router.get("/{name}", summary="Get a baseline", responses=problems(404, 422))
def get_baseline(name: BaselineName, service: TheService) -> BaselineAnswer:
    """The pinned runs, their experiment, and earlier pins."""
    return BaselineAnswer.model_validate(service.store.baselines.get(name))


@router.delete(
    "/{name}",
    status_code=204,
    summary="Delete a baseline",
    responses=problems(404, 409, 422),
    response_class=Response,
)
def delete_baseline(name: BaselineName, service: TheService) -> None:
    """Delete the name. The runs stay; they can then be deleted unless a check uses them."""
    service.store.baselines.delete(name)
