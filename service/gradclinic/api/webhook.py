"""`/v1/webhooks`: receivers of alerts, and what was delivered to them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from httpx import URL

from ..kernel.vocabulary import DeliveryStatus
from ..schemas.requests.webhook import RotateRequest, WebhookRequest
from ..schemas.webhook import CreatedWebhookAnswer, DeliveryAnswer, DeliveryPage, WebhookAnswer, WebhookPage
from ..store import Delivery, Webhook
from ..use_cases import webhook as webhooks
from .http.body import StrictJSONRoute
from .http.dependencies import BODY_PROBLEMS, AfterName, Limit, TheService, WebhookName, problems
from .http.paging import PageOfDeliveries, link_next

router = APIRouter(prefix="/v1/webhooks", tags=["alerts"], route_class=StrictJSONRoute)

DeliveryId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_]+$", examples=["delivery_01K0A"])]


@router.post("", status_code=201, summary="Create a webhook", responses=problems(409, *BODY_PROBLEMS))
def create_webhook(body: WebhookRequest, service: TheService, response: Response) -> CreatedWebhookAnswer:
    """Send alerts to an URL: as signed JSON (Standard Webhooks), or as messages to Slack.

    Alerts are sent in order. One that is not answered with 2xx is tried again for about 20 hours, and is then lost.
    """
    answer = _with_secret(webhooks.create_webhook(service, body))
    response.headers["Location"] = answer.urls.self
    return answer


@router.get("", summary="List webhooks", responses=problems(422))
def list_webhooks(
    *, service: TheService, request: Request, response: Response, after: AfterName = None, limit: Limit = 50
) -> WebhookPage:
    """Webhooks, by name."""
    page = service.store.webhooks.page(after=after, limit=limit)
    return WebhookPage(items=[_answer(each) for each in page.items], next=link_next(request, response, page.next))


@router.get("/{name}", summary="Get a webhook", responses=problems(404, 422))
def get_webhook(name: WebhookName, service: TheService) -> WebhookAnswer:
    """Where alerts are sent, and how many wait."""
    return _answer(service.store.webhooks.get(name))


@router.post("/{name}/pause", summary="Pause a webhook", responses=problems(404, 422))
def pause_webhook(name: WebhookName, service: TheService) -> WebhookAnswer:
    """It gets no alerts of the time until it is resumed. Those from before it wait."""
    return _answer(service.store.webhooks.set_paused(name, paused=True))


@router.post("/{name}/resume", summary="Resume a webhook", responses=problems(404, 422))
def resume_webhook(name: WebhookName, service: TheService) -> WebhookAnswer:
    """Send alerts again, also after the receiver answered 410."""
    return _answer(service.store.webhooks.set_paused(name, paused=False))


@router.post("/{name}/rotate", summary="Rotate a webhook's secret", responses=problems(404, 409, *BODY_PROBLEMS))
def rotate_webhook(name: WebhookName, body: RotateRequest, service: TheService) -> CreatedWebhookAnswer:
    """Give it a new secret. Alerts are signed with the old one, too, for `keep_hours`."""
    return _with_secret(webhooks.rotate_webhook(service, name, keep_hours=body.keep_hours))


@router.post("/{name}/test", status_code=202, summary="Test a webhook", responses=problems(404, 409, 422))
def test_webhook(name: WebhookName, service: TheService) -> DeliveryAnswer:
    """Send it an alert of the kind `webhook.test`."""
    return _delivery(webhooks.try_webhook(service, name))


@router.get("/{name}/deliveries", summary="List deliveries", responses=problems(404, 422))
def list_deliveries(
    *,
    name: WebhookName,
    service: TheService,
    paging: PageOfDeliveries,
    status: Annotated[DeliveryStatus | None, Query(description="Only deliveries with this status.")] = None,
) -> DeliveryPage:
    """The log of a webhook, newest first. Entries that ended are kept for `GRADCLINIC_WEBHOOK_LOG_DAYS`."""
    page = service.store.webhooks.deliveries(name, status=status, after=paging.after, limit=paging.limit)
    return paging.answer(DeliveryPage, page, item=_delivery)


@router.post(
    "/{name}/deliveries/{delivery_id}/redeliver",
    status_code=202,
    summary="Deliver an alert again",
    responses=problems(404, 409, 422),
)
def redeliver_alert(name: WebhookName, delivery_id: DeliveryId, service: TheService) -> DeliveryAnswer:
    """Send an alert that was delivered or lost once more, as a new delivery with the same `message_id`."""
    return _delivery(service.store.webhooks.redeliver(name, delivery_id))


@router.delete(
    "/{name}",
    status_code=204,
    summary="Delete a webhook",
    responses=problems(404, 422),
    response_class=Response,
)
def delete_webhook(name: WebhookName, service: TheService) -> None:
    """Delete it with its log; what waits is not sent."""
    service.store.webhooks.delete(name)


def _with_secret(webhook: Webhook) -> CreatedWebhookAnswer:
    return CreatedWebhookAnswer(**_answer(webhook).model_dump(), secret=webhook.secret)


def _answer(webhook: Webhook) -> WebhookAnswer:
    return WebhookAnswer(
        name=webhook.name,
        host=URL(webhook.url).host,
        format=webhook.format,
        alerts=list(webhook.alerts),
        paused=webhook.paused,
        problem=webhook.problem,
        pending=webhook.pending,
        two_signatures_until=webhook.old_secret_until,
        created_at=webhook.created_at,
    )


def _delivery(delivery: Delivery) -> DeliveryAnswer:
    alert = delivery.alert
    return DeliveryAnswer.showing(delivery, kind=alert.kind, text=alert.text, data=dict(alert.facts))
